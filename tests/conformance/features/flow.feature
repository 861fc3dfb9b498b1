Feature: The order of tasks
  Tasks run as they are written, unless they say where to go.

  # The kit's "Implicit Sequence Flow".
  Scenario: Tasks run in the order of writing
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: steps, version: '1.0.0'}
      do:
        - wash: {set: {done: '${ .done + ["wash"] }'}}
        - dry: {set: {done: '${ .done + ["dry"] }'}}
        - fold: {set: {done: '${ .done + ["fold"] }'}}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      done: [wash, dry, fold]
      """
    And wash should run first
    And dry should run after wash
    And fold should run last

  # The kit's "Explicit Sequence Flow".
  Scenario: A task names the next one
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: leaps, version: '1.0.0'}
      do:
        - wash: {set: {done: '${ .done + ["wash"] }'}, then: dry}
        - fold: {set: {done: '${ .done + ["fold"] }'}, then: end}
        - dry: {set: {done: '${ .done + ["dry"] }'}, then: fold}
        - burn: {set: {done: [ashes]}}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      done: [wash, dry, fold]
      """
    And dry should run before fold
    And burn should not run

  Scenario: Exit leaves the list, end leaves the workflow
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: leaving, version: '1.0.0'}
      do:
        - inner:
            do:
              - one: {set: {n: 1}, then: exit}
              - two: {set: {n: 2}}
        - three: {set: {n: '${ .n + 2 }'}, then: end}
        - four: {set: {n: 4}}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      n: 3
      """
    And two should not run
    And four should not run

  Scenario: A task whose condition does not hold is passed over
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: if, version: '1.0.0'}
      do:
        - small: {if: .n < 10, set: {size: small}, then: end}
        - large: {if: '${ .n >= 10 }', set: {size: large}}
      """
    And given the workflow input is:
      """yaml
      n: 12
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      size: large
      """
    And small should not run

  # The kit's "Task With Sequential Sub Tasks".
  Scenario: A do runs its own list
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: nested, version: '1.0.0'}
      do:
        - outer:
            do:
              - a: {set: {seen: '${ .seen + ["a"] }'}}
              - deeper:
                  do:
                    - b: {set: {seen: '${ .seen + ["b"] }'}}
              - c: {set: {seen: '${ .seen + ["c"] }'}}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      seen: [a, b, c]
      """
    And outer should run first
    And deeper should complete with output:
      """yaml
      seen: [a, b]
      """
    And outer should complete
