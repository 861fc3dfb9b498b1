Feature: Raising errors

  # The kit's "Raise task with inline error".
  Scenario: An error written on the spot
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: refuse, version: '1.0.0'}
      do:
        - refuse:
            raise:
              error:
                type: https://example.org/errors/refused
                status: 403
                title: Refused
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      type: https://example.org/errors/refused
      status: 403
      title: Refused
      instance: /do/0/refuse
      """
    And refuse should fault

  Scenario: An error that has a name
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: named, version: '1.0.0'}
      use:
        errors:
          full:
            type: https://example.org/errors/full
            status: 507
            title: Full
            detail: ${ "no room for \(.name)" }
      do:
        - check:
            do:
              - refuse: {raise: {error: full}}
      """
    And given the workflow input is:
      """yaml
      name: li
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      type: https://example.org/errors/full
      status: 507
      detail: no room for li
      instance: /do/0/check/do/0/refuse
      """
