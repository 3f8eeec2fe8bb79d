"""The Helm chart and the plain manifests: linted, tested, held against Kubernetes' schemas, and run as they say."""

import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

import yaml

import lclq
import rootless

CHART = lclq.ROOT / "deploy/helm/lclq"
MANIFESTS = lclq.ROOT / "deploy/kubernetes"
# The oldest that the chart takes, and the newest whose schemas are here.
KUBERNETES = ["1.25.0", "1.37.0"]
# Everything that is there when it is asked for.
ALL = [
    "--set", "serviceMonitor.enabled=true,networkPolicy.enabled=true,podDisruptionBudget.enabled=true",
    "--set", "tls.existingSecret=certificate,tls.only=true,credentials.file=x,persistence.whenDeleted=Delete",
    "--set", "networkPolicy.admin[0].podSelector.matchLabels.role=admin",
    "--set", "extraEnv[0].name=A,extraEnv[0].value=b,tolerations[0].key=a,tolerations[0].operator=Exists",
]

CLUSTER = ["--set", "replicas=3,store.existingSecret=database,networkPolicy.enabled=true,podDisruptionBudget.maxUnavailable=1"]


def rendered(*settings):
    return lclq.run("helm", "template", "lclq", CHART, "--namespace", "queues", "--kube-version", "1.30.0", *settings)


def holds(manifests, version):
    """Whether manifests are what Kubernetes' own schemas of a version allow, and what is said of them."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        # The Prometheus operator's kind isn't Kubernetes' own.
        documents = [document for document in manifests.split("\n---\n") if "kind: ServiceMonitor" not in document]
        file.write("\n---\n".join(documents))
        file.flush()
        done = subprocess.run(
            ["kubernetes-validate", "--strict", "--no-warn", "--kubernetes-version", version, file.name],
            capture_output=True, text=True,
        )
    said = done.stdout + done.stderr
    return done.returncode == 0 and said.count(" passed for ") == sum("kind:" in each for each in documents), said


class Chart(unittest.TestCase):
    def test_helm_finds_nothing(self):
        self.assertIn("0 chart(s) failed", lclq.run("helm", "lint", "--strict", CHART))

    def test_units(self):
        said = lclq.run("helm-unittest", "--strict", CHART)
        passed = int(re.search(r"Tests: +(\d+) passed, \d+ total", said)[1])
        print(f"chart: {passed} tests of templates", flush=True)
        self.assertGreater(passed, 25)

    def test_kubernetes_takes_what_it_makes(self):
        for version in KUBERNETES:
            for settings in ([], ALL, CLUSTER):
                good, said = holds(rendered(*settings), version)
                self.assertTrue(good, said)

    def test_a_wrong_manifest_is_noticed(self):
        wrong = rendered().replace("terminationGracePeriodSeconds: 30", "terminationGracePeriodSecond: 30")
        for version in KUBERNETES:
            self.assertFalse(holds(wrong, version)[0])

    def test_the_documented_command_is_one(self):
        command = shlex.split(lclq.documented("helm"))
        self.assertEqual(command[:3], ["helm", "install", "lclq"])
        made = rendered(*[word for word in command[4:] if word != "--create-namespace"])
        self.assertIn("storage: 1Gi", made)

    def test_the_package_is_made(self):
        with tempfile.TemporaryDirectory() as own:
            lclq.run("helm", "package", CHART, "--destination", own)
            (made,) = pathlib.Path(own).glob("lclq-*.tgz")
            names = lclq.run("tar", "--list", "--file", made).split()
            self.assertIn("lclq/values.schema.json", names)
            self.assertFalse([name for name in names if "/tests/" in name and "templates" not in name])

    def test_versions_are_those_of_the_server(self):
        version = re.search(r'^version = "(.+)"', (lclq.ROOT / "Cargo.toml").read_text(), re.M)[1]
        chart = (CHART / "Chart.yaml").read_text()
        self.assertEqual(re.findall(r"^(?:appV|v)ersion: (.+)$", chart, re.M), [version, version])


class Manifests(unittest.TestCase):
    def test_they_are_what_the_chart_makes(self):
        with tempfile.TemporaryDirectory() as own:
            lclq.run(MANIFESTS / "make", own)
            for made in pathlib.Path(own).iterdir():
                self.assertEqual(made.read_text(), (MANIFESTS / made.name).read_text(), f"run {MANIFESTS}/make")

    def test_kubernetes_takes_them(self):
        for path in MANIFESTS.glob("*.yaml"):
            for version in KUBERNETES:
                good, said = holds(path.read_text(), version)
                self.assertTrue(good, said)

    def test_a_server_runs_as_the_pod_says(self):
        """The arguments, variables and settings of the manifest, by the user of the manifest, and its probes."""
        kinds = {}
        for document in yaml.safe_load_all((MANIFESTS / "lclq.yaml").read_text()):
            kinds[document["kind"]] = document
        pod = kinds["StatefulSet"]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        with rootless.machine() as machine:
            config, data = machine.home / "lclq.toml", machine.home / "data"
            config.write_text(kinds["ConfigMap"]["data"]["lclq.toml"])
            config.chmod(0o644)
            machine.run("mkdir", data)
            # The volumes' places, as they are in this machine.
            places = {"/etc/lclq/lclq.toml": config, "/data": data}
            mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
            self.assertEqual(mounts, set(places))
            variables = [f"{each['name']}={places.get(each['value'], each['value'])}" for each in container["env"]]
            with lclq.started(machine.command("env", *variables, machine.binary, *container["args"])) as endpoints:
                ports = {port["name"]: port["containerPort"] for port in container["ports"]}
                self.assertEqual(endpoints["sqs"], f"http://0.0.0.0:{ports['sqs']}")
                self.assertEqual(
                    machine.client(f"at = 'http://127.0.0.1:{ports['sqs']}'; lclq.send(at, 'one'); "
                                   "print(lclq.receive(at))"),
                    "['one']",
                )
                for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                    asked = container[probe]["httpGet"]
                    self.assertEqual(
                        machine.client(
                            "import urllib.request\n"
                            f"url = 'http://127.0.0.1:{ports[asked['port']]}{asked['path']}'\n"
                            # As a kubelet asks: by the pod's address.
                            "print(urllib.request.urlopen(url, timeout=5).status)"
                        ),
                        "200",
                    )
                # The Service's name passes, a stranger's doesn't.
                for name, status in (("lclq.queues.svc", "200"), ("evil.example", "403")):
                    self.assertEqual(
                        machine.client(
                            "import http.client\n"
                            f"c = http.client.HTTPConnection('127.0.0.1', {ports['sqs']}, timeout=5)\n"
                            f"c.request('GET', '/?Action=ListQueues', headers={{'Host': '{name}:{ports['sqs']}'}})\n"
                            "print(c.getresponse().status)"
                        ),
                        status,
                    )


if __name__ == "__main__":
    unittest.main()
