Feature: Choosing
  A switch goes where the first case that holds leads.

  # The kit's "Switch task with matching case".
  Scenario: The first case that holds decides
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: post, version: '1.0.0'}
      do:
        - sort:
            switch:
              - light: {when: .weight < 20, then: letter}
              - heavy: {when: .weight >= 20, then: parcel}
        - letter: {set: {by: letter}, then: end}
        - parcel: {set: {by: parcel}, then: end}
      """
    And given the workflow input is:
      """yaml
      weight: 25
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      by: parcel
      """
    And sort should run first
    And parcel should run last
    And letter should not run

  # The kit's "Switch task with implicit default case".
  Scenario: No case holds and the task's own direction counts
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: none, version: '1.0.0'}
      do:
        - sort:
            switch:
              - light: {when: .weight < 20, then: letter}
            then: end
        - letter: {set: {by: letter}}
      """
    And given the workflow input is:
      """yaml
      weight: 25
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      weight: 25
      """
    And sort should run first
    And sort should run last

  # The kit's "Switch task with explicit default case".
  Scenario: A case without condition takes the rest
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: rest, version: '1.0.0'}
      do:
        - sort:
            switch:
              - light: {when: .weight < 20, then: letter}
              - rest: {then: ask}
        - letter: {set: {by: letter}, then: end}
        - ask: {set: {asked: '${ $input.weight }'}}
      """
    And given the workflow input is:
      """yaml
      weight: 25
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      asked: 25
      """
    And ask should run last
