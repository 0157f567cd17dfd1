"""Commands for the Compute Instance Agent as the real SDK meets them: limits, states, who takes them."""

import hashlib
import time

import oci
import pytest

from tests import sources

agent = oci.compute_instance_agent.models
core = oci.core.models
PLUGIN = "Compute Instance Run Command"
RUNNING_COMMANDS = sources.page("Compute/Tasks/runningcommands.htm")


def launch(site):
    """An instance with the agent's plugin, which the lab's have by their wish alone."""
    plugin = core.InstanceAgentPluginConfigDetails(name=PLUGIN, desired_state="ENABLED")
    return site.launch(agent_config=core.LaunchInstanceAgentConfigDetails(plugins_config=[plugin]))


@pytest.fixture(scope="module")
def commands(site):
    return site.api.agent_client()


@pytest.fixture(scope="module")
def instance(site):
    return launch(site)


def details(site, instance, text, seconds=None, **fields):
    source = agent.InstanceAgentCommandSourceViaTextDetails(source_type="TEXT", text=text, **fields)
    output = agent.InstanceAgentCommandOutputViaTextDetails(output_type="TEXT")
    return agent.CreateInstanceAgentCommandDetails(
        compartment_id=site.compartment,
        display_name="a test's",
        execution_time_out_in_seconds=seconds,
        target=agent.InstanceAgentCommandTarget(instance_id=instance.id),
        content=agent.InstanceAgentCommandContent(source=source, output=output),
    )


def execution_when(commands, command, reached):
    """The execution as soon as it is in one of these states, of delivery or of life."""
    end = time.monotonic() + 10
    while True:
        execution = commands.get_instance_agent_command_execution(command.id, command.target.instance_id).data
        if {execution.lifecycle_state, execution.delivery_state} & set(reached):
            return execution
        assert time.monotonic() < end, f"{execution.delivery_state}, {execution.lifecycle_state}"
        time.sleep(0.02)


@pytest.mark.checked(RUNNING_COMMANDS)
def test_a_command_is_delivered_run_and_answered_by_its_last_kilobyte(site, commands, instance):
    text = "#!/bin/sh\nexit 3\n" + "#" * 2000
    wish = details(site, instance, text, text_sha256=hashlib.sha256(text.encode()).hexdigest())
    command = commands.create_instance_agent_command(wish).data
    assert (command.is_canceled, command.execution_time_out_in_seconds) == (False, 3600)
    ended = execution_when(commands, command, ["FAILED"])
    assert isinstance(ended.content, agent.InstanceAgentCommandExecutionOutputViaTextDetails)
    assert (ended.delivery_state, ended.content.exit_code) == ("ACKED", 3)
    assert len(ended.content.text) == 1024
    assert ended.content.text.endswith(f"\n{len(text)} characters")
    assert commands.get_instance_agent_command(command.id).data.content.source.text == text
    well = commands.create_instance_agent_command(details(site, instance, "true")).data
    assert execution_when(commands, well, ["SUCCEEDED"]).content.exit_code == 0
    listed = commands.list_instance_agent_command_executions(site.compartment, instance.id, limit=2).data
    assert [one.instance_agent_command_id for one in listed] == [well.id, command.id]
    (newest, *_) = commands.list_instance_agent_commands(site.compartment).data
    assert newest.instance_agent_command_id == well.id


@pytest.mark.checked(RUNNING_COMMANDS)
def test_a_text_of_more_than_4_kilobytes_is_refused(site, commands, instance, refused):
    with refused(400, "InvalidParameter", "4097 bytes"):
        commands.create_instance_agent_command(details(site, instance, "#" * 4097))
    with refused(400, "InvalidParameter", "4098 bytes"):
        commands.create_instance_agent_command(details(site, instance, "é" * 2049))
    with refused(400, "InvalidParameter", "0 bytes"):
        commands.create_instance_agent_command(details(site, instance, ""))
    largest = commands.create_instance_agent_command(details(site, instance, "#" * 4096)).data
    assert execution_when(commands, largest, ["SUCCEEDED"])


@pytest.mark.checked(sources.api("CreateInstanceAgentCommandDetails, InstanceAgentCommandExecution"))
def test_what_cannot_be_run_is_refused(site, commands, instance, refused):
    with refused(400, "InvalidParameter", "textSha256"):
        commands.create_instance_agent_command(details(site, instance, "true", text_sha256="0" * 64))
    for seconds in (0, -1, 86_401):
        with refused(400, "InvalidParameter", "executionTimeOutInSeconds"):
            commands.create_instance_agent_command(details(site, instance, "true", seconds))
    stranger = agent.InstanceAgentCommandTarget(instance_id="ocid1.instance.oc1.lab.nobody")
    wish = details(site, instance, "true")
    wish.target = stranger
    with refused(404, "NotAuthorizedOrNotFound"):
        commands.create_instance_agent_command(wish)
    with refused(404, "NotAuthorizedOrNotFound"):
        commands.get_instance_agent_command_execution("ocid1.instanceagentcommand.oc1.lab.none", instance.id)


@pytest.mark.checked(sources.api("InstanceAgentCommandExecution, lifecycleState"))
def test_a_command_that_takes_too_long_is_timed_out(site, commands, instance):
    command = commands.create_instance_agent_command(details(site, instance, "sleep 30", 1)).data
    ended = execution_when(commands, command, ["TIMED_OUT"])
    assert (ended.delivery_state, ended.content) == ("ACKED", None)


@pytest.mark.checked(RUNNING_COMMANDS)
def test_two_run_at_a_time_and_a_sixth_is_refused(site, commands, refused):
    instance = launch(site)
    made = [
        commands.create_instance_agent_command(details(site, instance, "sleep 1", 5)).data for _ in range(5)
    ]
    with refused(400, "LimitExceeded"):
        commands.create_instance_agent_command(details(site, instance, "true"))
    states = []
    while states[-1:] != [5]:
        executions = commands.list_instance_agent_command_executions(site.compartment, instance.id).data
        running = [one for one in executions if one.lifecycle_state == "IN_PROGRESS"]
        assert len(running) <= 2
        states += [sum(one.lifecycle_state == "SUCCEEDED" for one in executions)]
        time.sleep(0.1)
    assert {execution_when(commands, one, ["SUCCEEDED"]).delivery_state for one in made} == {"ACKED"}
    assert commands.create_instance_agent_command(details(site, instance, "true")).data


@pytest.mark.checked(RUNNING_COMMANDS)
def test_one_that_no_agent_takes_waits_is_cancelled_or_expires(own_site):
    commands, instance = own_site.api.agent_client(), launch(own_site)
    own_site.api.inject("CreateInstanceAgentCommand", stuck=True)
    waiting = commands.create_instance_agent_command(details(own_site, instance, "true")).data
    execution = commands.get_instance_agent_command_execution(waiting.id, instance.id).data
    assert (execution.delivery_state, execution.lifecycle_state) == ("PENDING", "ACCEPTED")
    commands.cancel_instance_agent_command(waiting.id)
    assert execution_when(commands, waiting, ["CANCELED"]).delivery_state == "ACKED_CANCELED"
    assert commands.get_instance_agent_command(waiting.id).data.is_canceled
    own_site.api.control("DELETE", "faults")
    assert execution_when(commands, waiting, ["CANCELED"]).content is None
    own_site.compute.instance_action(instance.id, "STOP")
    own_site.settle(own_site.compute.get_instance, own_site.compute.get_instance(instance.id), "STOPPED")
    late = commands.create_instance_agent_command(details(own_site, instance, "true")).data
    assert execution_when(commands, late, ["EXPIRED"]).lifecycle_state == "ACCEPTED"


@pytest.mark.checked(sources.api("CancelInstanceAgentCommand"))
def test_one_that_runs_is_cancelled_at_its_end_and_a_dead_machine_takes_none(own_site):
    commands, instance = own_site.api.agent_client(), launch(own_site)
    running = commands.create_instance_agent_command(details(own_site, instance, "sleep 1")).data
    execution_when(commands, running, ["IN_PROGRESS"])
    commands.cancel_instance_agent_command(running.id)
    execution = commands.get_instance_agent_command_execution(running.id, instance.id).data
    assert (execution.delivery_state, execution.lifecycle_state) == ("ACKED", "IN_PROGRESS")
    assert execution_when(commands, running, ["CANCELED"]).content is None
    own_site.api.control("POST", f"crash/{instance.id}")
    late = commands.create_instance_agent_command(details(own_site, instance, "true")).data
    assert execution_when(commands, late, ["EXPIRED"]).lifecycle_state == "ACCEPTED"


@pytest.mark.checked(sources.api("ListInstanceAgentPlugins, InstanceAgentPluginSummary"))
def test_the_plugin_runs_unless_it_is_disabled(own_site):
    plugins, instance = own_site.api.plugin_client(), launch(own_site)

    def status():
        (one,) = plugins.list_instance_agent_plugins(own_site.compartment, instance.id, name=PLUGIN).data
        return one.status

    assert status() == "RUNNING"
    off = core.InstanceAgentPluginConfigDetails(name=PLUGIN, desired_state="DISABLED")
    config = core.UpdateInstanceAgentConfigDetails(plugins_config=[off])
    own_site.compute.update_instance(instance.id, core.UpdateInstanceDetails(agent_config=config))
    assert status() == "STOPPED"
    assert plugins.list_instance_agent_plugins(own_site.compartment, instance.id, name="Bastion").data == []
    commands = own_site.api.agent_client()
    command = commands.create_instance_agent_command(details(own_site, instance, "true")).data
    assert execution_when(commands, command, ["EXPIRED"])
