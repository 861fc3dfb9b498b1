Feature: Workflows that run others

  Scenario: The output of the one below is the task's output
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: above, version: '1.0.0'}
      do:
        - ask:
            run:
              workflow: {namespace: tests, name: below, version: '1.0.0', input: {n: '${ .n + 1 }'}}
        - tell: {set: {got: '${ .doubled }'}}
      """
    And another workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: below, version: '1.0.0'}
      do:
        - nap: {wait: {seconds: 10}}
        - double: {set: {doubled: '${ .n * 2 }'}}
      """
    And given the workflow input is:
      """yaml
      n: 20
      """
    When the workflow is executed
    Then the workflow should be waiting
    When 10 seconds pass
    Then the workflow should complete with output:
      """yaml
      got: 42
      """
    And 1 run of below should have completed

  Scenario: An error below is an error of the task
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: above, version: '1.0.0'}
      do:
        - attempt:
            try:
              - ask: {run: {workflow: {namespace: tests, name: below, version: latest}}}
            catch:
              errors: {with: {type: https://example.org/errors/fell}}
              do:
                - say: {set: {failed: '${ $error.status }'}}
      """
    And another workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: below, version: '1.0.0'}
      do:
        - fall: {raise: {error: {type: https://example.org/errors/fell, status: 418}}}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      failed: 418
      """

  Scenario: Nobody waits for the one below
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: above, version: '1.0.0'}
      do:
        - start:
            run:
              await: false
              workflow: {namespace: tests, name: below, version: '1.0.0', input: {n: 1}}
      """
    And another workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: below, version: '1.0.0'}
      do:
        - nap: {wait: {minutes: 1}}
        - say: {set: {n: '${ .n }'}}
      """
    And given the workflow input is:
      """yaml
      mine: true
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      mine: true
      """
    And 0 runs of below should have completed
    When 1 minute passes
    Then the runs of below should have given:
      """yaml
      - n: 1
      """

  Scenario: Cancelling the one above cancels the one below
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: above, version: '1.0.0'}
      do:
        - ask: {run: {workflow: {namespace: tests, name: below, version: '1.0.0'}}}
      """
    And another workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: below, version: '1.0.0'}
      do:
        - nap: {wait: {hours: 1}}
        - say: {set: {done: true}}
      """
    When the workflow is executed
    And the run is cancelled
    Then the workflow should cancel
    When 1 hour passes
    Then 0 runs of below should have completed
