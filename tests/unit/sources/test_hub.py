"""Models of the hub: attempts are repeated, errors are one line, and older models lose their pickle."""

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import RepositoryNotFoundError
from requests import Response

from lslo.base_model.loading import load_base_model
from lslo.sources.hub import fetch_hub_model


@pytest.fixture
def hub(monkeypatch):
    """Stands for the hub: the folder of its model, the errors that come first, and what was asked for."""

    class Hub:
        folder = None

        def __init__(self):
            self.errors, self.asked, self.waited = [], [], []

        def snapshot_download(self, name, *, local_dir, allow_patterns):
            self.asked.append((name, allow_patterns))
            if self.errors:
                raise self.errors.pop(0)
            local_dir.mkdir(exist_ok=True)
            for pattern in allow_patterns:
                for file in self.folder.glob(pattern):
                    (local_dir / file.name).write_bytes(file.read_bytes())

    hub = Hub()
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    monkeypatch.setattr("time.sleep", hub.waited.append)
    return hub


@pytest.fixture
def model(hub, small_model, tmp_path):
    """The hub's model, in files of today and a README that nobody asks for."""
    hub.folder = tmp_path / "hub"
    model = small_model()
    model.half().save_pretrained(hub.folder)
    (hub.folder / "README.md").write_text("")
    return model


def test_a_model_is_fetched_with_what_belongs_to_it(hub, model, tmp_path):
    fetch_hub_model("owner/model", tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
    ]
    assert hub.asked == [("owner/model", ["*.json", "*.model", "model.safetensors"])]


def test_the_pickle_of_an_older_model_becomes_safetensors_of_the_same_precision(hub, model, tmp_path):
    (hub.folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), hub.folder / "pytorch_model.bin")
    fetch_hub_model("owner/model", tmp_path / "model")
    assert not (tmp_path / "model/pytorch_model.bin").exists()
    fetched = load_base_model(tmp_path / "model", torch.float16).state_dict()
    assert all(torch.equal(tensor, fetched[name]) for name, tensor in model.state_dict().items())


def test_what_fails_is_tried_again_and_then_told_in_one_line(hub, model, tmp_path):
    hub.errors = [OSError("cut off"), OSError("cut off")]
    fetch_hub_model("owner/model", tmp_path / "model")
    assert hub.waited == [10, 20]
    hub.errors = [OSError("cut off\nfor a reason")] * 3
    with pytest.raises(ConnectionError, match=r"hub 'owner/model': .* \(cut off\); check the name") as error:
        fetch_hub_model("owner/model", tmp_path / "model")
    assert "\n" not in str(error.value)


def test_a_name_that_the_hub_does_not_know_is_asked_for_once(hub, model, tmp_path):
    hub.errors = [RepositoryNotFoundError("404 Not Found", response=Response())] * 3
    with pytest.raises(ConnectionError, match="404 Not Found"):
        fetch_hub_model("owner/model", tmp_path / "model")
    assert hub.waited == []
