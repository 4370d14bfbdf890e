from __future__ import annotations

from pathlib import Path

import pytest

from android_demo.packaging import facts
from android_demo.packaging.facts import Manifest

BADGING = """package: name='dev.edgeexport.demo' versionCode='1000' versionName='0.1.0' compileSdkVersion='34'
sdkVersion:'26'
targetSdkVersion:'35'
uses-permission: name='android.permission.CAMERA'
uses-permission-sdk-23: name='android.permission.INTERNET'
application-label:'Demo'
application-debuggable
launchable-activity: name='dev.edgeexport.demo.HomeActivity'  label='Demo' icon=''
native-code: 'arm64-v8a'
"""
TREE = "      A: android:extractNativeLibs(0x010104ea)=(type 0x12)0x0\n"


def test_the_manifest_is_what_aapt_says_of_it():
    assert facts.manifest(BADGING, TREE) == Manifest(
        package="dev.edgeexport.demo",
        version="0.1.0",
        min_sdk=26,
        target_sdk=35,
        permissions=("android.permission.CAMERA", "android.permission.INTERNET"),
        activity="dev.edgeexport.demo.HomeActivity",
        debuggable=True,
        extracts=False,
    )


@pytest.mark.parametrize("tree", ["", TREE.replace("0x12)0x0", "0x12)0xffffffff")])
def test_libraries_are_extracted_unless_the_manifest_says_no(tree: str):
    assert facts.manifest(BADGING, tree).extracts


def test_a_missing_tool_is_named_with_what_brings_it():
    with pytest.raises(RuntimeError, match="aapt-of-nobody is not installed; to have it: make setup-android"):
        facts.asked("aapt-of-nobody", "dump")


def test_a_refusal_ends_with_the_words_of_the_tool(tmp_path: Path):
    with pytest.raises(RuntimeError, match=r"cat refuses gone\.apk: .*No such file"):
        facts.asked("cat", tmp_path / "gone.apk")
