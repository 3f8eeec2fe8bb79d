"""What a test run relies on beside the suite that all kits share."""

import os
import subprocess
from pathlib import Path

import pytest

import lclq


def test_the_command_is_the_server():
    ran = subprocess.run(["lclq", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("lclq ")


def test_the_package_finds_its_own_binary(monkeypatch):
    monkeypatch.delenv("LCLQ_BIN", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    found = Path(lclq.find_binary())
    assert found.is_file() and os.access(found, os.X_OK)


def test_a_binary_that_is_named_and_not_there_is_told(monkeypatch):
    monkeypatch.setenv("LCLQ_BIN", "/nowhere/lclq")
    with pytest.raises(lclq.StartError, match="/nowhere/lclq"):
        lclq.Server().start()


def test_settings_of_the_environment_stay_out(monkeypatch, tmp_path):
    monkeypatch.setenv("LCLQ_SQS_PORT", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lclq.toml").write_text("nonsense")
    with lclq.Server() as server:
        assert not server.endpoint.endswith(":1")


def test_a_config_file_is_read_where_it_is_named(tmp_path):
    config = tmp_path / "queues.toml"
    config.write_text('[[queues]]\nname = "declared"\n')
    with lclq.Server("--config", str(config)) as server:
        assert [queue["name"] for queue in server.call("GET", "queues")["queues"]] == ["declared"]


def test_data_outlives_a_server(tmp_path):
    for expected in ([], ["kept"]):
        with lclq.Server("--data-dir", str(tmp_path / "data")) as server:
            assert [queue["name"] for queue in server.call("GET", "queues")["queues"]] == expected
            if not expected:
                server.call("POST", "queues", {"name": "kept"})


def test_without_controls_the_clock_is_refused():
    with lclq.Server(test_controls=False) as server:
        with pytest.raises(lclq.ControlError):
            server.clock.advance(1)


def test_a_stopped_server_says_so():
    server = lclq.Server()
    with pytest.raises(RuntimeError, match="doesn't run"):
        server.endpoint
    server.start()
    with pytest.raises(RuntimeError, match="runs already"):
        server.start()
    server.stop()
    server.stop()
    assert "stopped" in server.log
