"""Quizzes for learning platforms: QTI 2.1, as 1EdTech (formerly IMS Global) publishes it, a package a quiz."""

from __future__ import annotations

import re
import zipfile
from html import escape
from pathlib import Path

from coursekit.quizzes.reading import Question, Quiz, xhtml
from neuroevo.files import replacing

_QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
_CP = "http://www.imsglobal.org/xsd/imscp_v1p1"
_ROOT = """xmlns="{0}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{0} {1}\""""
_QTI_ROOT = _ROOT.format(_QTI, "http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd")
_CP_ROOT = _ROOT.format(_CP, "http://www.imsglobal.org/xsd/qti/qtiv2p1/qtiv2p1_imscpv1p2_v1p0.xsd")
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_POINTS = '<outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float"/>'

_ITEM = """<assessmentItem {root} identifier="{identifier}" title="{title}" label="{label}" xml:lang="en-GB"
    adaptive="false" timeDependent="false">
  <responseDeclaration identifier="RESPONSE" cardinality="single" baseType="identifier">
    <correctResponse><value>{right}</value></correctResponse>
  </responseDeclaration>
  {points}
  <outcomeDeclaration identifier="FEEDBACK" cardinality="single" baseType="identifier"/>
  <itemBody>
    <choiceInteraction responseIdentifier="RESPONSE" shuffle="true" maxChoices="1">
      <prompt>{text}</prompt>
{choices}
    </choiceInteraction>
  </itemBody>
  <responseProcessing>
    <responseCondition>
      <responseIf>
        <match><variable identifier="RESPONSE"/><correct identifier="RESPONSE"/></match>
        <setOutcomeValue identifier="SCORE"><baseValue baseType="float">1</baseValue></setOutcomeValue>
      </responseIf>
      <responseElse>
        <setOutcomeValue identifier="SCORE"><baseValue baseType="float">0</baseValue></setOutcomeValue>
      </responseElse>
    </responseCondition>
    <setOutcomeValue identifier="FEEDBACK"><variable identifier="RESPONSE"/></setOutcomeValue>
  </responseProcessing>
{feedback}
</assessmentItem>
"""

_TEST = """<assessmentTest {root} identifier="{identifier}" title="{title}">
  {points}
  <testPart identifier="part" navigationMode="nonlinear" submissionMode="individual">
    <itemSessionControl showFeedback="true"/>
    <assessmentSection identifier="questions" title="{title}" visible="true">
{items}
    </assessmentSection>
  </testPart>
  <outcomeProcessing>
    <setOutcomeValue identifier="SCORE"><sum><testVariables variableIdentifier="SCORE"/></sum></setOutcomeValue>
  </outcomeProcessing>
</assessmentTest>
"""

_MANIFEST = """<manifest {root} identifier="{identifier}-package">
  <metadata>
    <schema>QTIv2.1 Package</schema>
    <schemaversion>1.0.0</schemaversion>
  </metadata>
  <organizations/>
  <resources>
    <resource identifier="{identifier}" type="imsqti_test_xmlv2p1" href="{identifier}.xml">
      <file href="{identifier}.xml"/>
{dependencies}
    </resource>
{items}
  </resources>
</manifest>
"""


def export(quiz: Quiz, folder: Path) -> Path:
    """Write a quiz as a content package, `folder/quiz-NN.zip`: a manifest, the test, and an item for each question.

    The same quiz becomes the same bytes. Each choice brings its explanation as feedback; platforms shuffle choices.
    """
    target = folder / f"{quiz.identifier}.zip"
    with replacing(target) as new, zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in files(quiz).items():
            package.writestr(zipfile.ZipInfo(name), text)  # its date is fixed: 1980
    return target


def files(quiz: Quiz) -> dict[str, str]:
    """Name -> XML of everything in the package of a quiz."""
    names = [question.identifier for question in quiz.questions]
    shared = {"identifier": quiz.identifier, "title": _plain(quiz.title), "points": _POINTS}
    refs = (f'      <assessmentItemRef identifier="{name}" href="{name}.xml"/>' for name in names)
    resources = (
        f'    <resource identifier="{name}" type="imsqti_item_xmlv2p1" href="{name}.xml">'
        f'<file href="{name}.xml"/></resource>'
        for name in names
    )
    dependencies = (f'      <dependency identifierref="{name}"/>' for name in names)
    manifest = _MANIFEST.format(
        root=_CP_ROOT, identifier=quiz.identifier, dependencies="\n".join(dependencies), items="\n".join(resources)
    )
    test = _TEST.format(root=_QTI_ROOT, items="\n".join(refs), **shared)
    items = {f"{question.identifier}.xml": _XML + _item(question) for question in quiz.questions}
    return {"imsmanifest.xml": _XML + manifest, f"{quiz.identifier}.xml": _XML + test} | items


def _item(question: Question) -> str:
    choices, feedback = [], []
    for letter, choice in zip("ABCDEFGH", question.choices, strict=False):
        choices.append(f'      <simpleChoice identifier="{letter}">{xhtml(choice.text)}</simpleChoice>')
        told = xhtml(("**Right.** " if choice.right else "") + choice.explanation)
        shown = f'outcomeIdentifier="FEEDBACK" identifier="{letter}" showHide="show"'
        feedback.append(f"  <modalFeedback {shown}>{told}</modalFeedback>")
    return _ITEM.format(
        root=_QTI_ROOT,
        identifier=question.identifier,
        title=f"Question {question.number}",
        label=_plain(question.objective),
        right=question.letter,
        points=_POINTS,
        text=xhtml(question.text),
        choices="\n".join(choices),
        feedback="\n".join(feedback),
    )


def _plain(text: str) -> str:
    """For an attribute, which holds no formula: its TeX without dollars and backslashes."""
    return escape(re.sub(r"[$\\`*]", "", text))
