Feature: Events said and heard

  # The kit's "Emit Task".
  Scenario: An event that is emitted is the task's output
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: announce, version: '1.0.0'}
      do:
        - announce:
            emit:
              event:
                with:
                  source: https://example.org/gate
                  type: org.example.arrived.v1
                  data:
                    who: ${ "\(.given) \(.family)" }
      """
    And given the workflow input is:
      """yaml
      given: Na
      family: Li
      """
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should have properties 'id', 'specversion', 'time', 'source', 'type', 'data'
    And the workflow output should have a 'type' property with value:
      """yaml
      org.example.arrived.v1
      """
    And the workflow output should have a 'source' property with value:
      """yaml
      https://example.org/gate
      """
    And the workflow output should have a 'data' property with value:
      """yaml
      who: Na Li
      """

  Scenario: A run hears the one event it listens for
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: ear, version: '1.0.0'}
      do:
        - hear:
            listen: {to: {one: {with: {type: org.example.rang.v1, subject: bell}}}}
        - say: {set: {heard: '${ .[0].tone }'}}
      """
    When the workflow is executed
    And an event arrives:
      """yaml
      {id: e1, source: /house, type: org.example.rang.v1, subject: phone, data: {tone: brr}}
      """
    Then the workflow should be waiting
    When an event arrives:
      """yaml
      {id: e2, source: /house, type: org.example.rang.v1, subject: bell, data: {tone: ding}}
      """
    Then the workflow should complete with output:
      """yaml
      heard: ding
      """
    When an event arrives:
      """yaml
      {id: e3, source: /house, type: org.example.rang.v1, subject: bell, data: {tone: dong}}
      """
    Then the workflow should complete with output:
      """yaml
      heard: ding
      """

  Scenario: Any of several events will do
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: any, version: '1.0.0'}
      do:
        - hear:
            listen:
              to:
                any:
                  - with: {type: org.example.knocked.v1}
                  - with: {type: org.example.rang.v1}
      """
    When the workflow is executed
    And an event arrives:
      """yaml
      {id: e1, source: /house, type: org.example.rang.v1, data: ding}
      """
    Then the workflow should complete with output:
      """yaml
      [ding]
      """

  Scenario: All of several events must come, in whatever order
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: all, version: '1.0.0'}
      do:
        - hear:
            listen:
              to:
                all:
                  - with: {type: org.example.packed.v1}
                  - with: {type: org.example.paid.v1}
      """
    When the workflow is executed
    And an event arrives:
      """yaml
      {id: e1, source: /shop, type: org.example.paid.v1, data: {sum: 5}}
      """
    Then the workflow should be waiting
    When an event arrives:
      """yaml
      {id: e2, source: /shop, type: org.example.paid.v1, data: {sum: 6}}
      """
    Then the workflow should be waiting
    When the host restarts
    And an event arrives:
      """yaml
      {id: e3, source: /shop, type: org.example.packed.v1, data: {boxes: 2}}
      """
    Then the workflow should complete with output:
      """yaml
      - {sum: 5}
      - {boxes: 2}
      """

  Scenario: The whole event is read where that is asked, and a computed filter chooses
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: envelope, version: '1.0.0'}
      do:
        - hear:
            listen:
              to: {one: {with: {type: org.example.measured.v1, data: '${ .celsius > 38 }'}}}
              read: envelope
        - say: {set: {id: '${ .[0].id }', celsius: '${ .[0].data.celsius }'}}
      """
    When the workflow is executed
    And an event arrives:
      """yaml
      {id: m1, source: /ward, type: org.example.measured.v1, data: {celsius: 37}}
      """
    Then the workflow should be waiting
    When an event arrives:
      """yaml
      {id: m2, source: /ward, type: org.example.measured.v1, data: {celsius: 39}}
      """
    Then the workflow should complete
    And the workflow output should have a 'celsius' property with value:
      """yaml
      39
      """

  Scenario: Nothing is heard in time
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: silence, version: '1.0.0'}
      do:
        - attempt:
            try:
              - hear:
                  timeout: {after: {minutes: 1}}
                  listen: {to: {one: {with: {type: org.example.rang.v1}}}}
            catch:
              errors: {with: {status: 408}}
              do:
                - go: {set: {heard: nothing}}
      """
    When the workflow is executed
    And 1 minute passes
    And an event arrives:
      """yaml
      {id: e1, source: /house, type: org.example.rang.v1, data: ding}
      """
    Then the workflow should complete with output:
      """yaml
      heard: nothing
      """

  Scenario: One workflow hears what another says
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: reader, version: '1.0.0'}
      do:
        - hear: {listen: {to: {one: {with: {type: org.example.letter.v1}}}}}
        - read: {set: {text: '${ .[0].text }'}}
      """
    And another workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: writer, version: '1.0.0'}
      do:
        - muse: {wait: {seconds: 5}}
        - post:
            emit:
              event:
                with: {source: /desk, type: org.example.letter.v1, data: {text: Greetings}}
      """
    When the workflow is executed
    And the workflow writer is executed
    And 5 seconds pass
    Then the runs of reader should have given:
      """yaml
      - text: Greetings
      """
    And 1 run of writer should have completed

  Scenario: Two listeners both hear
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: both, version: '1.0.0'}
      do:
        - listen:
            fork:
              branches:
                - left: {listen: {to: {one: {with: {type: org.example.rang.v1}}}}}
                - right: {listen: {to: {one: {with: {type: org.example.rang.v1}}}}}
      """
    When the workflow is executed
    And an event arrives:
      """yaml
      {id: e1, source: /house, type: org.example.rang.v1, data: ding}
      """
    Then the workflow should complete with output:
      """yaml
      [[ding], [ding]]
      """
