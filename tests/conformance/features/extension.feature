Feature: Extensions
  Tasks put before and after others, without touching them.

  Scenario: Something before and something after
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: framed, version: '1.0.0'}
      use:
        extensions:
          - frame:
              extend: wait
              before:
                - greet: {set: {greeted: true}}
              after:
                - bow: {set: {bowed: true}}
      do:
        - nap: {wait: {seconds: 5}}
        - finish: {set: {done: true}}
      """
    When the workflow is executed
    Then greet should complete
    And the workflow should be waiting
    When 5 seconds pass
    Then the workflow should complete with output:
      """yaml
      done: true
      """
    And bow should run after nap
    And bow should run before finish

  Scenario: A call is answered before it is made
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: mocked, version: '1.0.0'}
      use:
        extensions:
          - mock:
              extend: call
              when: $task.definition.with.endpoint == "https://service.example/prices"
              before:
                - answer:
                    set: {price: 5}
                    then: exit
      do:
        - ask:
            call: http
            with: {method: get, endpoint: 'https://service.example/prices'}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      price: 5
      """
    And GET /prices of the service should have been asked never
