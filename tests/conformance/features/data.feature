Feature: Data on its way
  What a task sees and what it passes on may be filtered and checked.

  # The kit's "Input Filtering".
  Scenario: A task sees a part of its input
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: part, version: '1.0.0'}
      do:
        - greet:
            input: {from: .visitor.name.given}
            set: {greeted: '${ . }'}
      """
    And given the workflow input is:
      """yaml
      visitor: {name: {given: Na, family: Li}}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      greeted: Na
      """

  # What the kit's "Output Filtering" and "Use Non-object Output" ask, without a network.
  Scenario: A task passes on a part of its output, and it need not be an object
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: parts, version: '1.0.0'}
      do:
        - first:
            set: {found: {id: 7, name: seven}}
            output: {as: .found.id}
        - second:
            set: {found: {id: 8, name: eight}}
            output: {as: '{ids: [$input, .found.id]}'}
      """
    When the workflow is executed
    Then first should complete with output:
      """yaml
      7
      """
    And the workflow should complete with output:
      """yaml
      ids: [7, 8]
      """

  Scenario: The workflow filters too
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: rim, version: '1.0.0'}
      input: {from: .order}
      output: {as: .total}
      do:
        - sum: {set: {total: '${ .lines | map(.price) | add }'}}
      """
    And given the workflow input is:
      """yaml
      order: {lines: [{price: 3}, {price: 4}]}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      7
      """

  Scenario: What is exported stays in sight of all later tasks
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: context, version: '1.0.0'}
      do:
        - note:
            set: {name: Na}
            export: {as: '$context + {name: $output.name}'}
        - nap: {wait: {seconds: 1}}
        - forget: {set: {other: thing}}
        - remember:
            set: {name: '${ $context.name }', run: '${ $workflow.definition.document.name }'}
      """
    When the workflow is executed
    And 1 second passes
    Then the workflow should complete with output:
      """yaml
      name: Na
      run: context
      """

  Scenario: Input that does not fit is refused before anything is done
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: strict, version: '1.0.0'}
      input:
        schema:
          format: json
          document: {type: object, required: [n], properties: {n: {type: integer}}}
      do:
        - double: {set: {n: '${ .n * 2 }'}}
      """
    And given the workflow input is:
      """yaml
      n: many
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      type: https://serverlessworkflow.io/spec/1.0.0/errors/validation
      status: 400
      """
    And double should not run
    Given the workflow input is:
      """yaml
      n: 21
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      n: 42
      """

  Scenario: Output that does not fit is an error of its task
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: promised, version: '1.0.0'}
      do:
        - attempt:
            try:
              - promise:
                  set: {n: few}
                  output: {schema: {format: json, document: {type: object, properties: {n: {type: integer}}}}}
            catch:
              errors: {with: {status: 400}}
              do:
                - say: {set: {failed: '${ $error.instance }'}}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      failed: /do/0/attempt/try/0/promise
      """

  Scenario: A failing expression is an error of its task
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: expression, version: '1.0.0'}
      do:
        - wrong: {set: {n: '${ .text + 1 }'}}
      """
    And given the workflow input is:
      """yaml
      text: seven
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      type: https://serverlessworkflow.io/spec/1.0.0/errors/expression
      status: 400
      instance: /do/0/wrong
      """

  Scenario: An endless expression ends, and the host goes on
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: endless, version: '1.0.0'}
      do:
        - attempt:
            try:
              - spin: {set: {n: '${ def f: f; f }'}}
            catch:
              errors: {with: {type: 'https://serverlessworkflow.io/spec/1.0.0/errors/expression'}}
              do:
                - stop: {set: {stopped: true}}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      stopped: true
      """
