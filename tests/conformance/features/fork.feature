Feature: Doing several things at once
  A fork's branches run side by side.

  # The kit's "Fork Task With Competing Concurrent Sub Tasks".
  Scenario: Of competing branches one wins
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: race, version: '1.0.0'}
      do:
        - race:
            fork:
              compete: true
              branches:
                - hare: {set: {home: '${ .home + ["hare"] }'}}
                - fox: {set: {home: '${ .home + ["fox"] }'}}
                - wolf: {set: {home: '${ .home + ["wolf"] }'}}
      """
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should have a 'home' property containing 1 items

  Scenario: All branches join in the order of writing
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: join, version: '1.0.0'}
      do:
        - meet:
            fork:
              branches:
                - slow:
                    do:
                      - walk: {wait: {minutes: 20}}
                      - there: {set: {by: foot}}
                - quick:
                    do:
                      - ride: {wait: {minutes: 5}}
                      - there: {set: {by: bike}}
      """
    When the workflow is executed
    And 5 minutes pass
    Then the workflow should be waiting
    When 15 minutes pass
    Then the workflow should complete with output:
      """yaml
      - {by: foot}
      - {by: bike}
      """
    And the run should have taken 20 minutes

  Scenario: The first branch home ends the others
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: first, version: '1.0.0'}
      do:
        - race:
            fork:
              compete: true
              branches:
                - tortoise: {wait: {hours: 9}}
                - hare:
                    do:
                      - run: {wait: {minutes: 1}}
                      - win: {set: {won: hare}}
        - after: {set: {result: '${ .won }'}}
      """
    When the workflow is executed
    And 1 minute passes
    Then the workflow should complete with output:
      """yaml
      result: hare
      """
    And tortoise should cancel
    And the run should have taken 1 minute

  Scenario: An error in one branch is the fork's
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: broken, version: '1.0.0'}
      do:
        - both:
            try:
              - fork:
                  fork:
                    branches:
                      - waits: {wait: {hours: 1}}
                      - breaks:
                          raise:
                            error: {type: https://example.org/broken, status: 500, title: Broken}
            catch:
              do:
                - mend: {set: {mended: '${ $error.title }'}}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      mended: Broken
      """
    And waits should cancel
