"""cluster/kubernetes/mpijob.yaml is what the MPI operator takes, and fits the image that cluster/container makes.

SPEC is our own short form of the operator's rules (API v2beta1: its CustomResourceDefinition, and what its validation adds) for
the fields that we use; unlike the API server it refuses fields that it does not know. CHARRNN_MPIJOB_CRD names the operator's own
file, manifests/base/kubeflow.org_mpijobs.yaml of kubeflow/mpi-operator (600 KB, so not part of these sources): then the
manifest is checked against that as well."""
import copy
import os
import sys
import unittest
from pathlib import Path

try:
    import jsonschema
    import yaml
except ImportError as error:
    print(f"skipped: {error}: run launch/install --tests")
    sys.exit(77)

SOURCE = Path(os.environ.get("CHARRNN_SOURCE", Path(__file__).resolve().parents[2]))
CRD = os.environ.get("CHARRNN_MPIJOB_CRD")


def fields(required, **properties):
    return {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}


TEXT, WHOLE, WORDS = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "array", "items": {"type": "string"}}
CONTAINER = fields(
    "name image", name=TEXT, image=TEXT, workingDir=TEXT, command=WORDS, args=WORDS,
    securityContext=fields("runAsUser", runAsUser=WHOLE),
    resources=fields("limits", limits=fields("cpu memory", cpu=TEXT, memory=TEXT)),
    volumeMounts={"type": "array", "items": fields("name mountPath", name=TEXT, mountPath={"type": "string", "pattern": "^/"})})
POD = fields(
    "containers", containers={"type": "array", "minItems": 1, "items": CONTAINER}, securityContext=fields("", fsGroup=WHOLE),
    volumes={"type": "array", "items": fields("name", name=TEXT, persistentVolumeClaim=fields("claimName", claimName=TEXT))})


def replicas(count):
    return fields("replicas restartPolicy template", replicas={"type": "integer", **count},
                  restartPolicy={"enum": ["Never", "OnFailure"]}, template=fields("spec", spec=POD))


SPEC = fields(
    "mpiReplicaSpecs slotsPerWorker runPolicy", slotsPerWorker=WHOLE, sshAuthMountPath={"type": "string", "pattern": "^/"},
    launcherCreationPolicy={"enum": ["AtStartup", "WaitForWorkersReady"]},
    runPolicy=fields("cleanPodPolicy", cleanPodPolicy={"enum": ["None", "Running", "All"]}, backoffLimit=WHOLE),
    mpiReplicaSpecs=fields("Launcher", Launcher=replicas({"const": 1}), Worker=replicas({"minimum": 1})))
JOB = fields("apiVersion kind metadata spec", apiVersion={"const": "kubeflow.org/v2beta1"}, kind={"const": "MPIJob"},
             metadata=fields("name", name={"type": "string", "pattern": "^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$"}), spec=SPEC)


def closed(schema):
    """As the operator's, but unknown fields are refused, not dropped."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        schema["additionalProperties"] = False
    return schema


class MpiJob(unittest.TestCase):
    def setUp(self):
        self.job = yaml.safe_load((SOURCE / "cluster/kubernetes/mpijob.yaml").read_text())
        specs = self.job["spec"]["mpiReplicaSpecs"]
        self.launcher, self.worker = (specs[name]["template"]["spec"]["containers"][0] for name in ("Launcher", "Worker"))

    def test_is_what_the_operator_takes(self):
        jsonschema.validate(self.job, JOB)

    def test_mistakes_are_seen(self):
        def worker(job):
            return job["spec"]["mpiReplicaSpecs"]["Worker"]
        for spoil in (lambda job: job.update(apiVersion="kubeflow.org/v1"), lambda job: job["spec"].pop("mpiReplicaSpecs"),
                      lambda job: job["spec"]["mpiReplicaSpecs"].pop("Launcher"), lambda job: worker(job).pop("replicas"),
                      lambda job: worker(job).update(restartPolicy="Always"), lambda job: job["spec"].update(slots=2),
                      lambda job: worker(job)["template"]["spec"].update(containers=[])):
            job = copy.deepcopy(self.job)
            spoil(job)
            with self.assertRaises(jsonschema.ValidationError):
                jsonschema.validate(job, JOB)

    @unittest.skipUnless(CRD, "CHARRNN_MPIJOB_CRD names no file of the operator")
    def test_fits_the_operators_own_schema(self):
        versions = yaml.load(Path(CRD).read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))["spec"]["versions"]
        schema, = (one["schema"]["openAPIV3Schema"] for one in versions if one["name"] == "v2beta1")
        schema = closed(schema["properties"]["spec"])
        jsonschema.validate(self.job["spec"], schema)
        self.worker["imagePolicy"] = "Always"
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate(self.job["spec"], schema)

    def test_fits_itself_and_the_image(self):
        spec = self.job["spec"]
        ranks = spec["slotsPerWorker"] * spec["mpiReplicaSpecs"]["Worker"]["replicas"]
        self.assertIn(f"-np {ranks} ", " ".join(self.launcher["command"]))
        self.assertEqual(self.launcher["image"], self.worker["image"])
        self.assertEqual(self.launcher["volumeMounts"], self.worker["volumeMounts"])
        setup = (SOURCE / "cluster/container/setup").read_text()
        self.assertIn(f"HostKey {spec['sshAuthMountPath']}/id_rsa", setup)
        self.assertIn(self.worker["command"][-1], setup)
        self.assertIn(f"--uid {self.worker['securityContext']['runAsUser']} ", setup)


if __name__ == "__main__":
    unittest.main(verbosity=2)
