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

  @a-person-may-have-to-look
  Scenario: A person says that a call of which nobody knows did happen
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: doubtful, version: '1.0.0'}
      do:
        - send: {call: http, with: {method: post, endpoint: https://service.example/cut-off, body: {n: 1}}}
        - keep: {set: {receipt: '${ .receipt }'}}
      """
    And POST /cut-off of the service is cut off
    When the workflow is executed
    Then a person should have to look
    And keep should not run
    When a person says that the call happened and gave:
      """yaml
      receipt: r-17
      """
    Then the workflow should complete with output:
      """yaml
      receipt: r-17
      """

  @a-person-may-have-to-look
  Scenario: A person says that a call of which nobody knows did not happen
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: undone, version: '1.0.0'}
      do:
        - send: {call: http, with: {method: post, endpoint: https://service.example/cut-off-once, body: {n: 1}}}
        - keep: {set: {receipt: '${ .receipt }'}}
      """
    And POST /cut-off-once of the service is cut off
    When the workflow is executed
    Then a person should have to look
    When POST /cut-off-once of the service answers 200 with:
      """yaml
      receipt: r-18
      """
    And a person says that the call did not happen
    Then the workflow should complete with output:
      """yaml
      receipt: r-18
      """
