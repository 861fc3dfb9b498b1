Feature: Failed runs set to work again

  Scenario: A failed task is tried again and what was done stays done
    Given GET /stock of the service answers 200 with:
      """yaml
      {left: 4}
      """
    And GET /stock of the service answers 500 for 30 seconds
    And a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: again, version: '1.0.0'}
      do:
        - first: {set: {seen: 1}}
        - look:
            call: http
            with: {method: get, endpoint: 'https://service.example/stock'}
        - last: {set: {left: '${ .left }'}}
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      status: 500
      """
    When 1 minute passes
    And the run is retried
    Then the workflow should complete with output:
      """yaml
      left: 4
      """
    And first should run once

  Scenario: A failed run goes on from a task that is named, with another input
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: mended, version: '1.0.0'}
      do:
        - first: {set: {n: '${ .n }'}}
        - second: {set: {n: '${ .n + 1 }'}}
      """
    And given the workflow input is:
      """yaml
      n: [1]
      """
    When the workflow is executed
    Then the workflow should fault
    When the run is restarted from /do/1/second with input:
      """yaml
      n: 41
      """
    Then the workflow should complete with output:
      """yaml
      n: 42
      """
    And first should run once
