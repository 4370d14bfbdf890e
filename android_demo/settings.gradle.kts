// The demo in Android Studio: LiteRT, ONNX Runtime and ExecuTorch from Google's repository and Maven Central.
// The project's own builds and tests do not use these files (`make apk` builds the same sources with Maven alone), and
// they have been run by the GitHub job `gradle` at most: see README.md.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode.set(RepositoriesMode.FAIL_ON_PROJECT_REPOS)
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "edge-export-demo"
include(":core", ":app")
