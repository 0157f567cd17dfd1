"""The protocol's messages and methods, compiled from tfplugin5.proto when they are first used."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import ServiceDescriptor
from grpc_tools import protoc

SERVICE = "tfplugin5.Provider"
_SOURCE = Path(__file__).with_name("tfplugin5.proto")


@cache
def pool() -> descriptor_pool.DescriptorPool:
    """The descriptors of tfplugin5.proto. Raises RuntimeError when it does not compile."""
    with tempfile.TemporaryDirectory(prefix="tfplugin5-") as folder:
        compiled = Path(folder) / "descriptors"
        arguments = ["protoc", f"-I{_SOURCE.parent}", f"--descriptor_set_out={compiled}", _SOURCE.name]
        if protoc.main(arguments) != 0:
            raise RuntimeError(f"{_SOURCE} does not compile: run protoc on it to see why")
        files = descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes())
    descriptors = descriptor_pool.DescriptorPool()
    for file in files.file:
        descriptors.Add(file)
    return descriptors


@cache
def message(name: str) -> Any:
    """The class of a message, for example message("ReadResource.Response")."""
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(f"tfplugin5.{name}"))


def service() -> ServiceDescriptor:
    """The service with its methods."""
    return pool().FindServiceByName(SERVICE)
