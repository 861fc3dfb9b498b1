Feature: Waiting

  Scenario: A run waits as long as it says
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: nap, version: '1.0.0'}
      do:
        - nap: {wait: {minutes: 5}}
        - rise: {set: {awake: true}}
      """
    When the workflow is executed
    Then the workflow should be waiting
    And rise should not run
    When 299 seconds pass
    Then the workflow should be waiting
    When 1 second passes
    Then the workflow should complete with output:
      """yaml
      awake: true
      """
    And the run should have taken 5 minutes

  Scenario: The time to wait may be computed, and written as ISO 8601
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: computed, version: '1.0.0'}
      do:
        - short: {wait: PT90S}
        - long: {wait: '${ .until }'}
      """
    And given the workflow input is:
      """yaml
      until: P1DT30M
      """
    When the workflow is executed
    And PT24H31M30S pass
    Then the workflow should complete
    And the run should have taken PT24H31M30S

  Scenario: A host that was away wakes its runs at once
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: overslept, version: '1.0.0'}
      do:
        - nap: {wait: {hours: 1}}
      """
    When the workflow is executed
    And the host is down for 3 hours
    Then the workflow should complete
    And the run should have taken 3 hours

  Scenario: A host that starts again goes on where it was
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: patient, version: '1.0.0'}
      do:
        - one: {set: {seen: [one]}}
        - nap: {wait: {hours: 1}}
        - two: {set: {seen: '${ .seen + ["two"] }'}}
      """
    When the workflow is executed
    And 30 minutes pass
    And the host restarts
    And 30 minutes pass
    Then the workflow should complete with output:
      """yaml
      seen: [one, two]
      """
    And one should run once
    And the run should have taken 1 hour
