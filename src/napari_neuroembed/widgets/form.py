"""A form made from an options class: units, bounds, help, and one sentence if wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any, Generic, TypeVar

from magicgui.widgets import CheckBox, ComboBox, LineEdit, SpinBox
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_neuroembed.errors import ConfigError
from napari_neuroembed.options.base import from_dict, problems, to_dict
from napari_neuroembed.widgets.fields import (
    AUTOMATIC,
    FieldView,
    Section,
    from_text,
    problem,
    section_of,
    to_text,
)
from napari_neuroembed.widgets.look import BAD, SPACE, Note

T = TypeVar("T")


class OptionsForm(QWidget, Generic[T]):
    """Controls for every field of an options class.

    Parameters
    ----------
    options
        What it shows at first; its class decides what there is.
    shown
        Dotted paths of fields that stand at the top, in this order; all others are
        folded under "More options".
    hidden
        Paths, of fields or whole sections, that are set elsewhere.
    labels
        Other labels by path.

    Attributes
    ----------
    changed
        Emitted after every change, right or wrong; see :meth:`problems`.
    """

    changed = Signal()

    def __init__(
        self,
        options: T,
        *,
        shown: Collection[str] = (),
        hidden: Collection[str] = (),
        labels: dict[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._kind = type(options)
        self._start = options
        self._rows: dict[str, _Row] = {}
        self._is_setting = False
        named = labels or {}
        top = _without(section_of(self._kind), tuple(hidden))
        views = {
            view.path: dataclasses.replace(view, label=named.get(view.path, view.label))
            for view in top.all_fields()
        }
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(SPACE)
        first = _form(page)
        for path in shown:
            self._add(first, views.pop(path))
        if views:
            self._more = QCollapsible("More options" if shown else "Options")
            _tidy(self._more)
            self._fold(self._more, top, views)
            page.addWidget(self._more)
        self.set_value(options)

    def value(self) -> T:
        """Return the options.

        Raises
        ------
        ConfigError
            When something is wrong; one line per problem.
        """
        found = self.problems()
        if found:
            raise ConfigError("\n".join(found.values()))
        return from_dict(self._kind, self._values())

    def set_value(self, options: T) -> None:
        """Show other options of the same class."""
        self._start = options
        self._is_setting = True
        for path, row in self._rows.items():
            row.set(_at(options, path))
        self._is_setting = False
        self._judge()

    def problems(self) -> dict[str, str]:
        """Return what is wrong, a sentence by path; {} when the form can be used."""
        found = {
            path: text for path, row in self._rows.items() if (text := row.wrong())
        }
        return found or problems(self._kind, self._values())

    def control(self, path: str) -> ValueWidget[Any]:
        """Return the control of one field."""
        return self._rows[path].control

    def differences(self, before: T) -> dict[str, Any]:
        """Return the fields that differ from other options, by path."""
        now = self.value()
        return {
            path: _at(now, path)
            for path in self._rows
            if _at(now, path) != _at(before, path)
        }

    def complain(self, path: str, text: str) -> None:
        """Show a sentence at a control, as found by whoever runs it."""
        self._rows[path].note.complain(text)

    def _fold(self, page: Any, section: Section, views: dict[str, FieldView]) -> None:
        form = _form(page)
        for field in section.fields:
            if field.path in views:
                self._add(form, views[field.path])
        for inner in section.sections:
            if any(field.path in views for field in inner.all_fields()):
                fold = QCollapsible(inner.label)
                _tidy(fold)
                fold.setToolTip(inner.about)
                self._fold(fold, inner, views)
                page.addWidget(fold)

    def _add(self, form: QFormLayout, view: FieldView) -> None:
        row = _Row(view)
        row.control.changed.connect(self._on_change)
        self._rows[view.path] = row
        form.addRow(view.label, row.box)
        form.labelForField(row.box).setToolTip(view.about)

    def _on_change(self) -> None:
        if not self._is_setting:
            self._judge()
            self.changed.emit()

    def _judge(self) -> None:
        found = self.problems()
        for path, row in self._rows.items():
            row.show(found.pop(path, ""))

    def _values(self) -> dict[str, Any]:
        """Return plain values, nested; fields without a control keep theirs."""
        values = to_dict(self._start)
        for path, row in self._rows.items():
            place = values
            *parents, name = path.split(".")
            for parent in parents:
                place = place[parent]
            place[name] = row.get()
        return values


class _Row:
    """One control with the sentence below it."""

    def __init__(self, view: FieldView) -> None:
        self.view = view
        self.control = _control(view)
        self.note = Note()
        self.box = QWidget()
        page = QVBoxLayout(self.box)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(2)
        page.addWidget(self.control.native)
        page.addWidget(self.note)

    def get(self) -> Any:
        value = self.control.value
        if self.view.control == "text":
            return from_text(value, self.view.kind)
        return value

    def set(self, value: Any) -> None:
        if self.view.control == "text":
            value = to_text(value)
        self.control.value = value

    def wrong(self) -> str:
        return problem(self.view, self.get())

    def show(self, text: str) -> None:
        self.note.complain(text)
        border = f"border: 1px solid {BAD};" if text else ""
        self.control.native.setStyleSheet(border)


def _control(view: FieldView) -> ValueWidget[Any]:
    named: dict[str, Any] = {"tooltip": view.about}
    if view.control == "check":
        return CheckBox(**named)
    if view.control == "choice":
        choices = [(_word(one), one) for one in view.choices]
        return ComboBox(choices=choices, **named)
    if view.control == "integer":
        # Bounds and step are always given: left to itself, magicgui stops at 999.
        return SpinBox(min=view.low, max=view.high, step=1, **named)
    line = LineEdit(**named)
    if problem(view, None) == "":
        line.native.setPlaceholderText(AUTOMATIC)
    return line


def _word(value: Any) -> str:
    words = {None: AUTOMATIC, True: "yes", False: "no"}
    return words[value] if value in (None, True, False) else str(value)


def _form(page: Any) -> QFormLayout:
    holder = QWidget()
    form = QFormLayout(holder)
    form.setContentsMargins(0, 0, 0, 0)
    form.setSpacing(SPACE)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    page.addWidget(holder)
    return form


def _tidy(fold: QCollapsible) -> None:
    fold.setDuration(0)
    for box, left in ((fold, 0), (fold.content(), SPACE)):
        layout = box.layout()
        if layout is not None:
            layout.setContentsMargins(left, 0, 0, 0)


def _at(options: Any, path: str) -> Any:
    for name in path.split("."):
        options = getattr(options, name)
    return options


def _without(section: Section, hidden: tuple[str, ...]) -> Section:
    return dataclasses.replace(
        section,
        fields=tuple(f for f in section.fields if f.path not in hidden),
        sections=tuple(
            _without(s, hidden) for s in section.sections if s.path not in hidden
        ),
    )
