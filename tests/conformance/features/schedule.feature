Feature: Runs that start by themselves

  Scenario: Every so often
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: beat, version: '1.0.0'}
      schedule: {every: {minutes: 1}}
      do:
        - beat: {set: {beat: true}}
      """
    When 3 minutes pass
    Then 3 runs of beat should have completed

  Scenario: By a cron expression, in its own zone
    Given the clock stands at 2026-03-02T00:58:00Z
    And a workflow with definition:
      """yaml
      document:
        dsl: '1.0.3'
        namespace: tests
        name: office
        version: '1.0.0'
        metadata: {huiyin: {timezone: Asia/Shanghai}}
      schedule: {cron: '0 9 * * 1-5'}
      do:
        - open: {set: {at: '${ $workflow.startedAt.iso8601 }'}}
      """
    When 1 minute passes
    Then 0 runs of office should have completed
    When 1 minute passes
    Then 1 run of office should have completed

  Scenario: So long after the last one ended
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: rest, version: '1.0.0'}
      schedule: {after: {minutes: 1}}
      do:
        - work: {wait: {minutes: 1}}
      """
    When 4 minutes pass
    Then 2 runs of rest should have completed

  Scenario: When an event comes
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: answer, version: '1.0.0'}
      schedule: {on: {one: {with: {type: org.example.asked.v1}}}}
      do:
        - answer: {set: {to: '${ .[0].data.who }'}}
      """
    When an event arrives:
      """yaml
      {id: q1, source: /counter, type: org.example.asked.v1, data: {who: li}}
      """
    And an event arrives:
      """yaml
      {id: q2, source: /counter, type: org.example.left.v1, data: {who: li}}
      """
    And an event arrives:
      """yaml
      {id: q3, source: /counter, type: org.example.asked.v1, data: {who: wang}}
      """
    Then the runs of answer should have given:
      """yaml
      - to: li
      - to: wang
      """

  Scenario: What was missed while the host was away starts once
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: hourly, version: '1.0.0'}
      schedule: {every: {hours: 1}}
      do:
        - chime: {set: {chimed: true}}
      """
    When the host is down for 5 hours
    Then 1 run of hourly should have completed

  Scenario: When each of several events has come
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: together, version: '1.0.0'}
      schedule:
        on:
          all:
            - with: {type: org.example.rain.v1}
            - with: {type: org.example.flood.v1}
      do:
        - say: {set: {types: '${ [.[].type] | sort }'}}
      """
    When an event arrives:
      """yaml
      {id: r1, source: /weather, type: org.example.rain.v1}
      """
    And an event arrives:
      """yaml
      {id: r2, source: /weather, type: org.example.rain.v1}
      """
    Then 0 runs of together should have completed
    When the host restarts
    And an event arrives:
      """yaml
      {id: f1, source: /river, type: org.example.flood.v1}
      """
    Then the runs of together should have given:
      """yaml
      - types: [org.example.flood.v1, org.example.rain.v1]
      """
    # Each event counts for one run only.
    When an event arrives:
      """yaml
      {id: f2, source: /river, type: org.example.flood.v1}
      """
    Then 1 run of together should have completed
