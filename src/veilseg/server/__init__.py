"""The inference service: encrypted images in, label maps out, over HTTP. No key and no plain image ever comes here."""
