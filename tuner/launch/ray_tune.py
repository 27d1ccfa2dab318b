"""The driver on Ray: Tune's Tuner over a class Trainable with reused actors, its brain replaced by the controller."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any

import ray
from ray import tune
from ray.tune.execution import class_cache

from tuner.control.controller import Controller
from tuner.launch.adapters import ControllerCallback, ControllerScheduler, ControllerSearcher, ControllerStopper, Desk
from tuner.launch.avoiding import Places
from tuner.launch.cluster import TrialResources
from tuner.launch.loading import load
from tuner.launch.registry import remembered
from tuner.launch.room import Room, fitting
from tuner.launch.sight import prove
from tuner.launch.trainable import TrialActor
from tuner.launch.waiting import held
from tuner.training.plan import TrainingPlan


def drive(controller: Controller, plan: TrainingPlan, resources: TrialResources, on_step: Callable[[], None]) -> None:
    """Run the controller's sweep to its end on the connected cluster.

    Raises InputError where the data cannot be loaded or no node could ever hold a trial, RunError where a cluster that
    grows brought none that can.
    """
    with held(controller, resources, on_step):
        if controller.stopping is not None:
            controller.finish()
            return
        prove(plan, resources)
        splits, loaded = _load_once(plan)
    room = Room(partial(fitting, resources), controller.rules.concurrency)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = "1024"  # how many are handed out is for `room` to say
    desk = Desk(controller, room, _checking_first(loaded, on_step), resources)
    Places.avoided = ()
    _keep_credentials_here()
    scratch = tempfile.mkdtemp(prefix="tuner-")
    for name, level in (("ray.tune", logging.ERROR), ("ray.train", logging.ERROR), ("ray.tune.tune", logging.CRITICAL)):
        logging.getLogger(name).setLevel(level)  # the last one names Ray's own trials that lost a worker
    trainable = tune.with_resources(
        tune.with_parameters(TrialActor, plan=[ray.put(plan)], splits=splits, resources=resources),
        Places(resources.bundles()),
    )
    try:
        with remembered():
            tune.Tuner(
                trainable,
                tune_config=tune.TuneConfig(
                    search_alg=ControllerSearcher(desk),
                    scheduler=ControllerScheduler(desk),
                    num_samples=-1,
                    reuse_actors=True,
                ),
                run_config=tune.RunConfig(
                    name="trials",
                    storage_path=scratch,
                    callbacks=[ControllerCallback(desk)],
                    checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),  # ours are written already
                    stop=ControllerStopper(desk),
                    verbose=0,
                ),
            ).fit()
    finally:
        controller.finish()
        shutil.rmtree(scratch, ignore_errors=True)


def _keep_credentials_here() -> None:
    """Tune hands some of the driver's environment to its actors, AWS's keys among it, and Ray's agent on each node
    writes that into its log. A node has credentials of its own, or inherits those of whoever started Ray there."""
    known = class_cache.ENV_VARS_TO_PROPAGATE
    class_cache.ENV_VARS_TO_PROPAGATE = {name for name in known if not name.startswith(("AWS_", "GOOGLE_"))}


def _load_once(plan: TrainingPlan) -> tuple[list[Any], list[Any]]:
    """(reference to the data, reference that resolves when it is there), both in lists, so that ray hands them on
    as they are."""
    if plan.loop is not None:
        return [], []
    task = ray.remote(num_cpus=0, num_returns=2)(load)
    data, done = task.remote(plan)
    return [data], [done]


def _checking_first(loaded: list[Any], on_step: Callable[[], None]) -> Callable[[], None]:
    """`on_step`, and until the data is loaded a look at whether that failed: then its error is raised as it is."""

    def step() -> None:
        if loaded and ray.wait(loaded, timeout=0)[0]:
            try:
                ray.get(loaded.pop())
            except ray.exceptions.RayTaskError as error:
                raise error.cause from None
        on_step()

    return step
