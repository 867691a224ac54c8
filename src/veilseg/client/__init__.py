"""The client of a veilseg service: encrypts here, sends what is encrypted, returns the label map."""

from veilseg.client.aio import AsyncClient
from veilseg.client.exchange import Retries
from veilseg.client.responses import ServiceModel
from veilseg.client.sync import Client

__all__ = ["AsyncClient", "Client", "Retries", "ServiceModel"]
