Feature: Functions of the catalog
  Steps are plugins in the sandbox.

  Scenario: A pure function is called by its name, and through a slot
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: sums, version: '1.0.0'}
      use:
        functions:
          add:
            call: tally:0.1.0@default
            with: {numbers: '${ .list }'}
      do:
        - one:
            call: tally:0.1.0@default
            with: {numbers: [1, 2, '${ .n }']}
        - nap: {wait: {seconds: 1}}
        - two:
            call: add
            with: {list: ['${ .sum }', 10]}
      """
    And given the workflow input is:
      """yaml
      n: 3
      """
    When the workflow is executed
    And 1 second passes
    Then one should complete with output:
      """yaml
      {count: 3, sum: 6}
      """
    And the workflow should complete with output:
      """yaml
      {count: 2, sum: 16}
      """

  Scenario: Arguments that do not fit are an error of the call
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: misfit, version: '1.0.0'}
      do:
        - add:
            call: tally:0.1.0@default
            with: {numbers: ['${ .n }']}
      """
    And given the workflow input is:
      """yaml
      n: three
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      type: https://serverlessworkflow.io/spec/1.0.0/errors/validation
      status: 400
      instance: /do/0/add
      """
