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

  Scenario: A run that is held keeps what comes until it goes on
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: held, version: '1.0.0'}
      do:
        - both:
            fork:
              branches:
                - nap: {wait: {minutes: 10}}
                - hear: {listen: {to: {one: {with: {type: org.example.rang.v1}}}}}
        - after: {set: {done: true}}
      """
    When the workflow is executed
    And the run is suspended
    Then the workflow should be suspended
    When 20 minutes pass
    And an event arrives:
      """yaml
      {id: e1, source: /house, type: org.example.rang.v1, data: ding}
      """
    Then the workflow should be suspended
    And after should not run
    When the run is resumed
    Then the workflow should complete with output:
      """yaml
      done: true
      """
    And hear should complete with output:
      """yaml
      [ding]
      """

  Scenario: A run that is held can be cancelled
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: heldstopped, version: '1.0.0'}
      do:
        - nap: {wait: {minutes: 10}}
      """
    When the workflow is executed
    And the run is suspended
    And the host restarts
    And the run is cancelled
    Then the workflow should cancel
