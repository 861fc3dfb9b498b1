Feature: Setting data
  A task puts values together; what it sets is its output.

  # The kit's "Set Task": literals and parts of the input side by side.
  Scenario: A set task takes parts of its input
    Given a workflow with definition:
      """yaml
      document: {dsl: '1.0.3', namespace: tests, name: label, version: '1.0.0'}
      do:
        - label:
            set:
              kind: parcel
              weight: ${ .measured.weight }
              size: ${ .measured.size }
      """
    And given the workflow input is:
      """yaml
      measured: {weight: 12, size: {long: 30, wide: 20}}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """yaml
      kind: parcel
      weight: 12
      size: {long: 30, wide: 20}
      """

  Scenario: One expression may make the whole output
    Given a workflow with definition:
      """json
      {
        "document": {"dsl": "1.0.3", "namespace": "tests", "name": "turn", "version": "1.0.0"},
        "do": [{"turn": {"set": "${ to_entries | map({key: .value, value: .key}) | from_entries }"}}]
      }
      """
    And given the workflow input is:
      """json
      {"north": "n", "south": "s"}
      """
    When the workflow is executed
    Then the workflow should complete with output:
      """json
      {"n": "north", "s": "south"}
      """
