"""Who takes each parameter: the trainer, a part that it names, the model's builder. What nobody takes is a fault.

A part's parameters are nested in the option that names it (`optimizer: {sgd: {momentum: 0.9}}`); there the trainer's
own simple parameters may stand too (`optimizer.sgd.lr`), and hold before those at the top. What the trainer does not
claim goes to the model's builder, from the top or from the model's branch. A task's own parameters (`length`) stand in
`fixed`, since all trials share their data. With a `loop` of the user's own everything goes to it, and nothing is asked
here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tuner.records.catalogue import Catalogue, Component, ParameterSpec
from tuner.space import branch_name, did_you_mean
from tuner.sweep.ranges import check_range
from tuner.sweep.setting import Setting
from tuner.sweep.tree import Faults

PARTS = ("optimizer", "schedule", "loss")
"""Trainer parameters whose options have parameters of their own: those that the trainer builds by name."""
MODEL = ParameterSpec("model", "text", family="model", says="the network")
NO_PART = "none"
"""What a list of components may say for an empty one."""


@dataclass(frozen=True)
class Claims:
    """What is known about the sweep when its settings are checked."""

    catalogue: Catalogue
    settings: Mapping[str, Setting]
    """All settings by recorded name, those of the space and the fixed ones."""
    models: tuple[Component, ...]
    """The catalogue's models that a trial may have; all of them where the sweep's own are not known."""
    own_model: bool
    """The model is the user's: what is left goes to its builder."""
    task: Component | None = None
    """The catalogue's task; None for one of the user's own."""

    def spec(self, setting: Setting) -> ParameterSpec | None:
        """What the taker of this setting says of it; None when nothing takes it, or a builder of the user's."""
        if setting.parent is None:
            if setting.short == MODEL.name:
                return MODEL
            own = self.catalogue.trainer_parameter(setting.short) or self.of_task(setting)
            return own or _in_models(self.models, setting.short)
        for component in self.around(setting):
            found = component.parameter(setting.short)
            if found is not None:
                return found
        root = self.root(setting)
        if root.short in (*PARTS, MODEL.name):
            found = self.catalogue.trainer_parameter(setting.short)
            return found if found is not None and found.name not in PARTS else None
        return None if self.is_claimed(root) else _in_models(self.models, setting.short)

    def root(self, setting: Setting) -> Setting:
        while setting.parent is not None:
            setting = self.settings[setting.parent]
        return setting

    def of_task(self, root: Setting) -> ParameterSpec | None:
        """What the task says of a setting at the top."""
        return None if self.task is None else self.task.parameter(root.short)

    def is_claimed(self, root: Setting) -> bool:
        """Whether a setting at the top is the trainer's or the task's."""
        trainers = root.short == MODEL.name or self.catalogue.trainer_parameter(root.short) is not None
        return trainers or self.of_task(root) is not None

    def around(self, setting: Setting) -> Iterable[Component]:
        """The components in whose branches the setting stands, the nearest first."""
        while setting.parent is not None:
            parent = self.settings[setting.parent]
            spec = self.spec(parent)
            if spec is not None and spec.family is not None:
                component = self.catalogue.family(spec.family).get(branch_name(setting.parent_value))
                if component is not None:
                    yield component
            setting = parent

    def in_unknown_branch(self, setting: Setting) -> bool:
        """Whether it hangs on a name that is no component: that name is the fault, not what stands below it."""
        while setting.parent is not None:
            parent = self.settings[setting.parent]
            spec = self.spec(parent)
            if spec is None and not self.goes_to_own_model(parent):
                return True
            known = None if spec is None or spec.family is None else self.catalogue.family(spec.family)
            if known is not None and branch_name(setting.parent_value) not in known:
                return True
            setting = parent
        return False

    def goes_to_own_model(self, setting: Setting) -> bool:
        return self.own_model and not self.is_claimed(self.root(setting))


def check_claims(claims: Claims, faults: Faults) -> None:
    """Names, components and ranges of every setting."""
    for setting in claims.settings.values():
        if claims.in_unknown_branch(setting):
            continue
        spec = claims.spec(setting)
        if setting.parent is None and setting.section == "space" and claims.of_task(setting) is not None:
            cure = "is the task's, the same in every trial: write it in `fixed`"
            faults.add(setting.where, None, cure, setting.place)
        elif spec is not None:
            _check_value(setting, spec, claims, faults)
        elif not claims.goes_to_own_model(setting):
            faults.add(setting.where, None, _nobody_takes(setting, claims), setting.place)


def _check_value(setting: Setting, spec: ParameterSpec, claims: Claims, faults: Faults) -> None:
    if setting.domain is None:
        return
    if spec.family is not None:
        known = {name for name in claims.catalogue.family(spec.family) if not spec.choices or name in spec.choices}
        allowed = {*known, NO_PART} if spec.kind == "list" else known
        for value, place in setting.placed:
            if isinstance(value, str) and value not in allowed:
                if spec is MODEL and ":" in value:
                    cure = "a model of your own stands at the top of the file: `model: my_package.nets:build`"
                else:
                    cure = f"no such {spec.family}: {did_you_mean(value, sorted(allowed))}"
                faults.add(setting.where, value, cure, place)
    check_range(setting, spec, faults)


def _nobody_takes(setting: Setting, claims: Claims) -> str:
    """The cure for a name that nothing claims."""
    short = setting.short
    if setting.parent is None:
        named = {value for other in claims.settings.values() for value in other.values}
        owners = sorted(_owners(short, claims.catalogue), key=lambda owner: owner[1] not in named)
        if owners:
            family, name = owners[0]
            if family == "model":
                return f"none of this sweep's models takes it; `{name}` does"
            if family == "task":
                return f"the task {claims.task.name if claims.task else 'of your own'} does not take it; `{name}` does"
            return f"belongs inside its {family}: `{family}: {{{name}: {{{short}: ...}}}}`"
        known = [spec.name for spec in claims.catalogue.trainer]
        known += [spec.name for model in claims.models for spec in model.parameters]
        known += [spec.name for spec in (claims.task.parameters if claims.task is not None else ())]
        return f"nothing takes it: {did_you_mean(short, dict.fromkeys([*known, MODEL.name]))}"
    branch = branch_name(setting.parent_value)
    components = list(claims.around(setting))
    takes = [spec.name for component in components for spec in component.parameters]
    if claims.catalogue.trainer_parameter(short) is not None or short == MODEL.name:
        return f"`{branch}` does not take it: it is the trainer's, so write it at the top"
    if not components:
        return f"nothing nests in `{setting.parent}`: write it at the top"
    meant = did_you_mean(short, takes)
    others = [name for family, name in _owners(short, claims.catalogue) if family == components[0].family]
    if others and not meant.startswith("did you mean"):
        return f"`{branch}` does not take it; {', '.join(f'`{name}`' for name in others[:3])} does"
    return f"`{branch}` does not take it: {meant}" if takes else f"`{branch}` takes no parameters: leave it out"


def _owners(short: str, catalogue: Catalogue) -> list[tuple[str, str]]:
    """(family, component) of all that take a parameter of this name."""
    return [
        (family, component.name)
        for family, components in catalogue.components.items()
        for component in components.values()
        if component.parameter(short) is not None
    ]


def _in_models(models: Sequence[Component], short: str) -> ParameterSpec | None:
    """The widest that the models say of a parameter: what one of them takes is no fault."""
    found = [spec for model in models if (spec := model.parameter(short)) is not None]
    if not found:
        return None
    first = found[0]
    lows, highs = [spec.low for spec in found], [spec.high for spec in found]
    low = None if None in lows else min(value for value in lows if value is not None)
    high = None if None in highs else max(value for value in highs if value is not None)
    choices: tuple[object, ...] = ()
    if all(spec.choices for spec in found):
        choices = tuple(dict.fromkeys(choice for spec in found for choice in spec.choices))
    return ParameterSpec(
        first.name,
        first.kind,
        low,
        high,
        open_low=all(spec.open_low for spec in found if spec.low == low),
        open_high=all(spec.open_high for spec in found if spec.high == high),
        choices=choices,  # type: ignore[arg-type]
        family=first.family,
        default=first.default,
        scales_loss=any(spec.scales_loss for spec in found),
        says=first.says,
    )
