Feature: Errors caught and tried again

  # What the kit's "Try Handle Caught Error" asks, without a network.
  Scenario: An error that fits is caught and handled
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: caught, version: '1.0.0'}
      do:
        - attempt:
            try:
              - fall:
                  raise:
                    error: {type: https://example.org/errors/fell, status: 404, title: Fell}
            catch:
              errors: {with: {type: https://example.org/errors/fell, status: 404}}
              as: mishap
              do:
                - note: {set: {error: '${ $mishap }'}}
      """
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should have properties 'error.type', 'error.status', 'error.title'
    And the workflow output should have a 'error.instance' property with value:
      """yaml
      /do/0/attempt/try/0/fall
      """
    And fall should run before note
    And fall should fault with error:
      """yaml
      status: 404
      """

  # What the kit's "Try Raise Uncaught Error" asks, without a network.
  Scenario: An error that does not fit goes on
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: uncaught, version: '1.0.0'}
      do:
        - attempt:
            try:
              - fall:
                  raise:
                    error: {type: https://example.org/errors/fell, status: 404, title: Fell}
            catch:
              errors: {with: {type: https://example.org/errors/fell, status: 503}}
              do:
                - note: {set: {caught: true}}
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      status: 404
      instance: /do/0/attempt/try/0/fall
      """
    And note should not run

  Scenario: A condition chooses which errors are caught
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: when, version: '1.0.0'}
      do:
        - outer:
            try:
              - inner:
                  try:
                    - fall:
                        raise:
                          error: {type: https://example.org/errors/fell, status: '${ .status }', title: Fell}
                  catch:
                    when: $error.status < 500
                    do:
                      - mine: {set: {by: inner}}
            catch:
              exceptWhen: $error.status == 599
              do:
                - theirs: {set: {by: outer}}
      """
    And given the workflow input is:
      """yaml
      status: 502
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      by: outer
      """
    And given the workflow input is:
      """yaml
      status: 404
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      by: inner
      """
    And given the workflow input is:
      """yaml
      status: 599
      """
    When the workflow is executed
    Then the workflow should fault with error:
      """yaml
      status: 599
      """

  Scenario: Caught without a handler the flow goes on with what it had
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: shrug, version: '1.0.0'}
      do:
        - attempt:
            try:
              - spoil: {set: {spoiled: true}}
              - fall: {raise: {error: {type: https://example.org/errors/fell, status: 400}}}
            catch: {}
        - go: {set: {had: '${ .had }'}}
      """
    And given the workflow input is:
      """yaml
      had: plenty
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      had: plenty
      """

  Scenario: Tried again after a delay, until the limit
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: again, version: '1.0.0'}
      do:
        - attempt:
            try:
              - fall: {raise: {error: {type: https://example.org/errors/fell, status: 503}}}
            catch:
              retry:
                delay: {seconds: 10}
                limit: {attempt: {count: 3}}
      """
    When the workflow is executed
    Then the workflow should be waiting
    When 20 seconds pass
    Then the workflow should be waiting
    When 10 seconds pass
    Then the workflow should fault with error:
      """yaml
      status: 503
      """
    And fall should run 4 times
    And the run should have taken 30 seconds

  Scenario: Delays grow
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: growing, version: '1.0.0'}
      use:
        retries:
          patient:
            delay: {seconds: 1}
            backoff: {exponential: {}}
            limit: {attempt: {count: 4}}
      do:
        - attempt:
            try:
              - fall: {raise: {error: {type: https://example.org/errors/fell, status: 503}}}
            catch:
              retry: patient
              do:
                - sigh: {set: {gave: up}}
      """
    When the workflow is executed
    And 15 seconds pass
    Then the workflow should complete with output:
      """yaml
      gave: up
      """
    And the run should have taken 15 seconds

  Scenario: Delays grow evenly
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: even, version: '1.0.0'}
      do:
        - attempt:
            try:
              - fall: {raise: {error: {type: https://example.org/errors/fell, status: 503}}}
            catch:
              retry:
                delay: {seconds: 2}
                backoff: {linear: {}}
                limit: {attempt: {count: 3}}
      """
    When the workflow is executed
    And 12 seconds pass
    Then the workflow should fault
    And the run should have taken 12 seconds

  Scenario: Retries end with the time that is given them
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: budget, version: '1.0.0'}
      do:
        - attempt:
            try:
              - fall: {raise: {error: {type: https://example.org/errors/fell, status: 503}}}
            catch:
              retry:
                delay: {minutes: 4}
                backoff: {constant: {}}
                limit: {duration: {minutes: 10}}
      """
    When the workflow is executed
    And 1 hour passes
    Then the workflow should fault
    And the run should have taken 8 minutes

  Scenario: An attempt that takes too long counts as failed
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: slow, version: '1.0.0'}
      do:
        - attempt:
            try:
              - sleep: {wait: {hours: 1}}
            catch:
              retry:
                delay: {seconds: 5}
                limit: {attempt: {count: 1, duration: {seconds: 30}}}
              do:
                - wake: {set: {error: '${ $error.status }'}}
      """
    When the workflow is executed
    And 65 seconds pass
    Then the workflow should complete with output:
      """yaml
      error: 408
      """
    And sleep should run twice
    And the run should have taken 65 seconds

  Scenario: Only some errors are worth another try
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: choosy, version: '1.0.0'}
      do:
        - attempt:
            try:
              - fall: {raise: {error: {type: https://example.org/errors/fell, status: '${ .status }'}}}
            catch:
              retry:
                when: $error.status >= 500
                exceptWhen: $error.status == 501
                delay: {seconds: 1}
                limit: {attempt: {count: 2}}
      """
    And given the workflow input is:
      """yaml
      status: 400
      """
    When the workflow is executed
    Then the workflow should fault
    And the run should have taken 0 seconds
    Given the workflow input is:
      """yaml
      status: 501
      """
    When the workflow is executed
    Then the workflow should fault
    And the run should have taken 0 seconds
    Given the workflow input is:
      """yaml
      status: 500
      """
    When the workflow is executed
    And 2 seconds pass
    Then the workflow should fault
    And the run should have taken 2 seconds

  # The jitter drawn is on record: a crash changes nothing about it.
  Scenario: Jitter stays within its bounds
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: jitter, version: '1.0.0'}
      do:
        - attempt:
            try:
              - fall: {raise: {error: {type: https://example.org/errors/fell, status: 503}}}
            catch:
              retry:
                delay: {seconds: 10}
                jitter: {from: {seconds: 1}, to: {seconds: 3}}
                limit: {attempt: {count: 1}}
      """
    When the workflow is executed
    And 10 seconds pass
    Then the workflow should be waiting
    When 3 seconds pass
    Then the workflow should fault
