Feature: Listening for longer

  Scenario: Until a condition holds
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: untilcondition, version: '1.0.0'}
      do:
        - count:
            listen:
              to:
                any: [{with: {type: org.example.counted.v1}}]
                until: '. | map(.n) | add >= 10'
        - sum: {set: {sum: '${ map(.n) | add }'}}
      """
    When the workflow is executed
    And an event arrives:
      """yaml
      {id: c1, source: /gate, type: org.example.counted.v1, data: {n: 4}}
      """
    Then the workflow should be waiting
    When the host restarts
    And an event arrives:
      """yaml
      {id: c2, source: /gate, type: org.example.counted.v1, data: {n: 5}}
      """
    Then the workflow should be waiting
    When an event arrives:
      """yaml
      {id: c3, source: /gate, type: org.example.counted.v1, data: {n: 2}}
      """
    Then the workflow should complete with output:
      """yaml
      sum: 11
      """

  Scenario: Until another event comes
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: untilevent, version: '1.0.0'}
      do:
        - hear:
            listen:
              to:
                any: [{with: {type: org.example.rang.v1}}]
                until: {one: {with: {type: org.example.closed.v1}}}
      """
    When the workflow is executed
    And an event arrives:
      """yaml
      {id: r1, source: /house, type: org.example.rang.v1, data: 1}
      """
    And an event arrives:
      """yaml
      {id: r2, source: /house, type: org.example.rang.v1, data: 2}
      """
    Then the workflow should be waiting
    When an event arrives:
      """yaml
      {id: c1, source: /house, type: org.example.closed.v1, data: 3}
      """
    Then the workflow should complete with output:
      """yaml
      [1, 2]
      """

  Scenario: Each event is dealt with as it comes
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: foreach, version: '1.0.0'}
      do:
        - serve:
            listen:
              to:
                any: [{with: {type: org.example.ordered.v1}}]
                until: {one: {with: {type: org.example.closed.v1}}}
            foreach:
              item: order
              at: place
              do:
                - cook: {wait: {minutes: 1}}
                - plate: {set: {dish: '${ $order.dish }', number: '${ $place }'}}
      """
    When the workflow is executed
    And an event arrives:
      """yaml
      {id: o1, source: /table, type: org.example.ordered.v1, data: {dish: soup}}
      """
    And an event arrives:
      """yaml
      {id: o2, source: /table, type: org.example.ordered.v1, data: {dish: rice}}
      """
    And 2 minutes pass
    Then plate should run twice
    When an event arrives:
      """yaml
      {id: c1, source: /door, type: org.example.closed.v1, data: {}}
      """
    Then the workflow should complete

  Scenario: Events that belong together
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: correlated, version: '1.0.0'}
      do:
        - meet:
            listen:
              to:
                all:
                  - with: {type: org.example.packed.v1}
                    correlate: {order: {from: .data.order}}
                  - with: {type: org.example.paid.v1}
                    correlate: {order: {from: .data.order}}
      """
    When the workflow is executed
    And an event arrives:
      """yaml
      {id: a, source: /shop, type: org.example.packed.v1, data: {order: 7}}
      """
    And an event arrives:
      """yaml
      {id: b, source: /shop, type: org.example.paid.v1, data: {order: 8}}
      """
    Then the workflow should be waiting
    When an event arrives:
      """yaml
      {id: c, source: /shop, type: org.example.paid.v1, data: {order: 7}}
      """
    Then the workflow should complete with output:
      """yaml
      - {order: 7}
      - {order: 7}
      """
