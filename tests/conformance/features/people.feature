Feature: What people do to runs

  Scenario: A run is cancelled
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: stopped, version: '1.0.0'}
      do:
        - begin: {set: {begun: true}}
        - nap: {wait: {hours: 1}}
        - never: {set: {done: true}}
      """
    When the workflow is executed
    And 10 minutes pass
    And the run is cancelled
    Then the workflow should cancel
    And begin should complete
    And nap should cancel
    When 1 hour passes
    Then the workflow should cancel
    And never should not run
