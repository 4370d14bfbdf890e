from __future__ import annotations

from android_demo.packaging.dex import NativeMethod, classes, mangled, native_methods

DUMP = """
Class #7            -
  Class descriptor  : 'Lorg/bytedeco/javacpp/Pointer;'
  Direct methods    -
    #0              : (in Lorg/bytedeco/javacpp/Pointer;)
      name          : 'memcpy'
      type          : '(Lorg/bytedeco/javacpp/Pointer;J)V'
      access        : 0x0109 (PUBLIC STATIC NATIVE)
    #1              : (in Lorg/bytedeco/javacpp/Pointer;)
      name          : 'close'
      type          : '()V'
      access        : 0x0001 (PUBLIC)
Class #8            -
  Class descriptor  : 'La/Two;'
  Virtual methods   -
    #0              : (in La/Two;)
      name          : 'get_it'
      type          : '(I)I'
      access        : 0x0101 (PUBLIC NATIVE)
    #1              : (in La/Two;)
      name          : 'get_it'
      type          : '([Ljava/lang/String;)I'
      access        : 0x0101 (PUBLIC NATIVE)
""".splitlines()


def test_native_methods_and_no_others():
    found = native_methods(DUMP)
    assert [(method.owner, method.name, method.overloaded) for method in found] == [
        ("org/bytedeco/javacpp/Pointer", "memcpy", False),
        ("a/Two", "get_it", True),
        ("a/Two", "get_it", True),
    ]


def test_a_method_is_found_by_its_short_or_its_long_name():
    assert NativeMethod("a/B", "c", "(J[Lx/Y;)V").symbols() == ("Java_a_B_c", "Java_a_B_c__J_3Lx_Y_2")


def test_of_overloaded_methods_only_the_long_name_will_do():
    assert [method.symbols() for method in native_methods(DUMP)[1:]] == [
        ("Java_a_Two_get_1it__I",),
        ("Java_a_Two_get_1it___3Ljava_lang_String_2",),
    ]


def test_names_are_mangled_as_jni_says():
    assert mangled("a/B_c$D;[é") == "a_B_1c_00024D_2_3_000e9"


def test_classes_are_listed():
    assert classes(DUMP) == {"org/bytedeco/javacpp/Pointer", "a/Two"}
