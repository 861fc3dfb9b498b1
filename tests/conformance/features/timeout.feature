Feature: Time limits

  Scenario: A task that takes too long fails
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: late, version: '1.0.0'}
      do:
        - sleep:
            timeout: {after: {seconds: 30}}
            wait: {hours: 1}
      """
    When the workflow is executed
    And 29 seconds pass
    Then the workflow should be waiting
    When 1 second passes
    Then the workflow should fault with error:
      """yaml
      type: https://serverlessworkflow.io/spec/1.0.0/errors/timeout
      status: 408
      instance: /do/0/sleep
      """

  Scenario: A time limit has a name and is caught
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: handled, version: '1.0.0'}
      use:
        timeouts:
          short: {after: PT10S}
      do:
        - attempt:
            try:
              - work:
                  timeout: short
                  do:
                    - first: {set: {began: true}}
                    - sleep: {wait: {hours: 1}}
                    - never: {set: {ended: true}}
            catch:
              errors: {with: {status: 408}}
              do:
                - go: {set: {error: '${ $error.instance }'}}
      """
    When the workflow is executed
    And 10 seconds pass
    Then the workflow should complete with output:
      """yaml
      error: /do/0/attempt/try/0/work
      """
    And sleep should cancel
    And never should not run

  Scenario: A workflow that takes too long fails, whatever it would catch
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: whole, version: '1.0.0'}
      timeout: {after: {minutes: 1}}
      do:
        - attempt:
            try:
              - sleep: {wait: {hours: 1}}
            catch:
              do:
                - no: {set: {caught: true}}
      """
    When the workflow is executed
    And 1 hour passes
    Then the workflow should fault with error:
      """yaml
      status: 408
      instance: /timeout
      """
    And the run should have taken 1 minute

  Scenario: In time is in time
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: intime, version: '1.0.0'}
      timeout: {after: {minutes: 2}}
      do:
        - nap:
            timeout: {after: {seconds: 61}}
            wait: {minutes: 1}
      """
    When the workflow is executed
    And 1 hour passes
    Then the workflow should complete
