Feature: Going through a list
  A for does its tasks for each item; each round gets the last one's output.

  # The kit's "For Task": a named item, the default index.
  Scenario: Each item in turn
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: rollcall, version: '1.0.0'}
      do:
        - call:
            for: {each: who, in: .names}
            do:
              - tick:
                  set:
                    names: ${ .names }
                    ticked: '${ .ticked + [{who: $who, at: $index}] }'
      """
    And given the workflow input is:
      """yaml
      names: [li, wang, zhang]
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      names: [li, wang, zhang]
      ticked: [{who: li, at: 0}, {who: wang, at: 1}, {who: zhang, at: 2}]
      """
    And tick should run 3 times

  Scenario: The place in the list has the name it is given, and a condition ends the rounds
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: purse, version: '1.0.0'}
      do:
        - buy:
            for: {each: price, in: .prices, at: place}
            while: .left >= $price
            do:
              - pay:
                  set:
                    left: ${ .left - $price }
                    last: ${ $place }
      """
    And given the workflow input is:
      """yaml
      left: 10
      prices: [3, 4, 5, 1]
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      left: 3
      last: 1
      """

  Scenario: A round may take its time
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: rounds, version: '1.0.0'}
      do:
        - walk:
            for: {each: hour, in: '[1, 2, 3]'}
            do:
              - rest: {wait: {hours: 1}}
              - note: {set: '${ {walked: (.walked + [$hour])} }'}
      """
    When the workflow is executed
    And 3 hours pass
    Then the workflow should complete with output:
      """yaml
      walked: [1, 2, 3]
      """
    And the run should have taken 3 hours

  Scenario: A list that is not there has no items
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: nothing, version: '1.0.0'}
      do:
        - loop:
            for: {in: .absent}
            do:
              - touch: {set: {touched: true}}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      {}
      """
    And touch should not run
