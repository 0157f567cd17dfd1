"""The provider service: each method of the protocol, in terms of planning, resources and data sources."""

import json
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from lab.provider import durations, wire
from lab.provider.cloud import ProviderClients
from lab.provider.errors import API_ERRORS, CreationError, describe
from lab.provider.place import ProviderError
from lab.provider.resources import sources
from lab.provider.resources.addresses import Addresses
from lab.provider.resources.attachments import VolumeAttachments
from lab.provider.resources.instances import Instances
from lab.provider.resources.names import RecordSets
from lab.provider.resources.resource import Resource, refreshed
from lab.provider.resources.vnic_attachments import VnicAttachments
from lab.provider.resources.volumes import Volumes
from lab.provider.schema import schema
from lab.provider.schema.planning import Path as ValuePath
from lab.provider.schema.planning import plan
from lab.provider.schema.publish import publish
from lab.provider.schema.shape import conform, merged, settled, stored
from lab.provider.schema.validation import problems
from lab.provider.schema.values import Record, decode, encode, known, same

Method = Callable[["Provider", Any, Any], None]

_RESOURCES: dict[str, Callable[[ProviderClients], Resource]] = {
    "oci_core_instance": Instances,
    "oci_core_private_ip": Addresses,
    "oci_core_vnic_attachment": VnicAttachments,
    "oci_core_volume": Volumes,
    "oci_core_volume_attachment": VolumeAttachments,
    "oci_dns_rrset": RecordSets,
}


def _answers(name: str) -> Callable[[Method], Callable[["Provider", Any, Any], Any]]:
    """Give a method its empty response; an expected error becomes a diagnostic in it."""

    def decorate(method: Method) -> Callable[["Provider", Any, Any], Any]:
        @wraps(method)
        def answer(provider: "Provider", request: Any, _context: Any) -> Any:
            response = wire.message(f"{name}.Response")()
            try:
                method(provider, request, response)
            except (ProviderError, *API_ERRORS) as error:
                operation = f"{name} {getattr(request, 'type_name', '')}".strip()
                summary, detail = describe(error, operation)
                response.diagnostics.add(severity=1, summary=summary, detail=detail)
            return response

        return answer

    return decorate


class Provider:
    """One provider process; it is configured again by every Terraform command."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._schema = schema.load()
        self._cloud: ProviderClients | None = None

    @_answers("GetProviderSchema")
    def GetSchema(self, _request: Any, response: Any) -> None:
        publish(self._schema, response)

    @_answers("PrepareProviderConfig")
    def PrepareProviderConfig(self, request: Any, response: Any) -> None:
        response.prepared_config.CopyFrom(request.config)

    @_answers("Configure")
    def Configure(self, request: Any, _response: Any) -> None:
        config = known(decode(request.config))
        self._cloud = ProviderClients.of_lab(
            self._run, config.get("region"), config.get("config_file_profile") or ""
        )

    @_answers("ValidateResourceTypeConfig")
    def ValidateResourceTypeConfig(self, request: Any, response: Any) -> None:
        for problem in problems(self._schema.resources[request.type_name].block, decode(request.config)):
            diagnostic = response.diagnostics.add(severity=1, summary=problem.summary)
            _add_steps(diagnostic.attribute, problem.path)

    @_answers("ValidateDataSourceConfig")
    def ValidateDataSourceConfig(self, _request: Any, _response: Any) -> None:
        """The schema says it all."""

    @_answers("UpgradeResourceState")
    def UpgradeResourceState(self, request: Any, response: Any) -> None:
        block = self._schema.resources[request.type_name].block
        response.upgraded_state.msgpack = encode(conform(block, json.loads(request.raw_state.json)))

    @_answers("ReadResource")
    def ReadResource(self, request: Any, response: Any) -> None:
        current, block = decode(request.current_state), self._schema.resources[request.type_name].block
        response.private = request.private
        record = refreshed(self._resource(request.type_name), current)
        state = None if record is None else stored(block, conform(block, merged(block, current, record)))
        response.new_state.msgpack = encode(state)

    @_answers("PlanResourceChange")
    def PlanResourceChange(self, request: Any, response: Any) -> None:
        response.legacy_type_system = True  # as every provider made with plugin SDK v2 says
        response.planned_private = request.prior_private
        proposed = decode(request.proposed_new_state)
        if proposed is None:
            response.planned_state.msgpack = encode(None)
            return
        kind = self._schema.resources[request.type_name]
        made = plan(request.type_name, kind, decode(request.prior_state), proposed, decode(request.config))
        response.planned_state.msgpack = encode(made.planned)
        for path in made.replace:
            _add_steps(response.requires_replace.add(), path)

    @_answers("ApplyResourceChange")
    def ApplyResourceChange(self, request: Any, response: Any) -> None:
        """Create, update or delete. Raises CreationError for an object that exists and is not ready: the
        answer has it in its state, and `_answers` makes a diagnostic of the error.
        """
        response.legacy_type_system = True
        response.private = request.planned_private
        prior, planned = decode(request.prior_state), decode(request.planned_state)
        response.new_state.msgpack = encode(prior)  # what stays true when the call below fails
        block = self._schema.resources[request.type_name].block
        try:
            record = self._apply(request.type_name, prior, planned)
        except CreationError as error:
            response.new_state.msgpack = encode(_state_after(block, planned, error.record))
            raise
        state = None if record is None else _state_after(block, planned, record)
        response.new_state.msgpack = encode(state)

    @_answers("ImportResourceState")
    def ImportResourceState(self, request: Any, response: Any) -> None:
        """terraform import. Answers with a diagnostic of ProviderError for a type that cannot be imported."""
        kind = self._schema.resources[request.type_name]
        if not kind.importer:
            raise ProviderError(f"resource {request.type_name} doesn't support import")
        imported = response.imported_resources.add(type_name=request.type_name)
        imported.state.msgpack = encode(conform(kind.block, {"id": request.id}))

    @_answers("ReadDataSource")
    def ReadDataSource(self, request: Any, response: Any) -> None:
        config, block = decode(request.config), self._schema.data_sources[request.type_name].block
        record = sources.read(request.type_name, self._configured(), known(config))
        if record is None:
            response.state.msgpack = encode(dict.fromkeys((*block.attributes, *block.blocks)))
            return
        response.state.msgpack = encode(conform(block, {**record, **_given(config), "id": record.get("id")}))

    @_answers("Stop")
    def Stop(self, _request: Any, _response: Any) -> None:
        """Calls under way end at their own deadlines."""

    def _apply(self, type_name: str, prior: Record | None, planned: Record | None) -> Record | None:
        resource = self._resource(type_name)
        if planned is None:
            assert prior is not None  # noqa: S101 (Terraform never destroys what is not there)
            resource.delete(prior["id"], known(prior), self._deadline(type_name, "delete", prior))
            return None
        wanted = known({name: value for name, value in planned.items() if name != "timeouts"})
        if prior is None:
            return resource.create(wanted, self._deadline(type_name, "create", planned))
        changes = {name: value for name, value in wanted.items() if not same(prior.get(name), value)}
        return resource.update(prior["id"], changes, wanted, self._deadline(type_name, "update", planned))

    def _deadline(self, type_name: str, operation: str, state: Record) -> float:
        configured = (state.get("timeouts") or {}).get(operation)
        return time.monotonic() + durations.seconds(
            configured or self._schema.resources[type_name].timeouts[operation]
        )

    def _resource(self, type_name: str) -> Resource:
        return _RESOURCES[type_name](self._configured())

    def _configured(self) -> ProviderClients:
        if self._cloud is None:
            raise ProviderError("the provider is not configured: Terraform calls Configure first")
        return self._cloud


def _state_after(block: schema.BlockSchema, planned: Record, record: Record) -> Record:
    return stored(block, conform(block, settled(block, planned, record)))


def _given(config: Record) -> Record:
    return {name: value for name, value in config.items() if value is not None and value != []}


def _add_steps(message: Any, path: ValuePath) -> None:
    for step in path:
        message.steps.add(**{"element_key_int" if isinstance(step, int) else "attribute_name": step})
