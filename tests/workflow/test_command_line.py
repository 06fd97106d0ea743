"""Values that a command line gives beside the configuration file."""

import json


def test_nested_values_come_from_the_command_line(workflow):
    given = ['plan={"device": "T4", "training_share": 0.3}', "figures=[1,2]", "seeds=[1,2]"]
    result = workflow.run(None, "plan", "--config", *given)
    assert result.returncode == 0, result.stdout
    plan = json.loads((workflow.folder / "results/tiny/plan.json").read_text())
    assert plan["device"] == "T4"
    assert "training reaches 30% of it" in result.stdout
    assert plan["rules"]["make_figure"] == 2
    # Two seeds of each trained setting, one run of the base model as it is.
    assert plan["rules"]["score"] == plan["rules"]["finetune"] + 1


def test_a_wrong_nested_value_of_the_command_line_is_named(workflow):
    result = workflow.run(None, "--dry-run", "--config", 'training={"epochs": 2.5, "epochz": 3}')
    assert result.returncode != 0
    assert "config key 'training.epochs': 2.5 is not of type 'integer'" in result.stdout
    assert "config key 'training.epochz' does not exist: did you mean 'epochs'?" in result.stdout
    assert "Traceback" not in result.stdout
