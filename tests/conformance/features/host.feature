Feature: The host around the workflows

  Scenario: What a workflow does is told to whoever is to know
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: told, version: '1.0.0'}
      do:
        - nap: {wait: {minutes: 1}}
        - say: {set: {said: true}}
      """
    And lifecycle events are told to /told of the service
    When the workflow is executed
    Then the service should have been told of io.serverlessworkflow.workflow.started.v1 at /told
    When 1 minute passes
    Then the workflow should complete
    And the service should have been told of io.serverlessworkflow.task.completed.v1 at /told
    And the service should have been told of io.serverlessworkflow.workflow.completed.v1 at /told

  Scenario: Among several partitions an event finds those who wait for it
    Given the host has 3 partitions
    And a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: sender, version: '1.0.0'}
      do:
        - send: {emit: {event: {with: {source: /sender, type: org.example.sent.v1, data: {n: 7}}}}}
      """
    And another workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: hearer, version: '1.0.0'}
      do:
        - hear: {listen: {to: {one: {with: {type: org.example.sent.v1}}}}}
      """
    And another workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: starter, version: '1.0.0'}
      schedule: {on: {one: {with: {type: org.example.sent.v1}}}}
      do:
        - take: {set: {n: '${ .[0].data.n }'}}
      """
    When the workflow hearer is executed
    And the workflow hearer is executed
    And the workflow hearer is executed
    And the workflow hearer is executed
    And the workflow sender is executed
    Then the runs of hearer should have given:
      """yaml
      - [{n: 7}]
      - [{n: 7}]
      - [{n: 7}]
      - [{n: 7}]
      """
    And the runs of starter should have given:
      """yaml
      - {n: 7}
      """

  Scenario: Among several partitions every run goes on after a restart
    Given the host has 2 partitions
    And a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: napping, version: '1.0.0'}
      do:
        - nap: {wait: {minutes: 5}}
        - say: {set: {awake: true}}
      """
    When the workflow is executed
    And the workflow napping is executed
    And the workflow napping is executed
    And the host restarts
    And 5 minutes pass
    Then 3 runs of napping should have completed
