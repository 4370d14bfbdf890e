// The flavour `standard` is what most want; `executorch` takes ExecuTorch along, with its sources in executorch/.
plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "dev.edgeexport.demo"
    compileSdk = 35

    defaultConfig {
        applicationId = "dev.edgeexport.demo"
        minSdk = 26
        targetSdk = 35
        versionCode = 1
        versionName = "0.1.0"
        ndk { abiFilters += listOf("arm64-v8a", "x86_64") }
    }

    flavorDimensions += "engines"
    productFlavors {
        create("standard") { dimension = "engines" }
        create("executorch") { dimension = "engines" }
    }

    sourceSets {
        getByName("main") {
            kotlin.srcDir("../interpreter/src/main/kotlin")
            resources.srcDir("../interpreter/src/main/resources")
        }
        getByName("executorch") {
            kotlin.srcDir("../executorch/src/main/kotlin")
            resources.srcDir("../executorch/src/main/resources")
        }
    }

    // models and golden packs are mapped from the APK as they lie there
    androidResources { noCompress += listOf("tflite", "onnx", "ort", "pte", "ptl", "safetensors") }

    packaging {
        resources {
            merges += "META-INF/services/**" // each engine names itself in one
            excludes += listOf("META-INF/native-image/**", "META-INF/maven/**", "module-info.class", "org/bytedeco/javacpp/tools/**")
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }

    // The tests of the app are Robolectric's, with stand-ins of what Google's repository alone has: Maven runs them.
    sourceSets.getByName("test") { kotlin.setSrcDirs(emptyList<String>()) }
}

kotlin {
    compilerOptions {
        jvmTarget.set(org.jetbrains.kotlin.gradle.dsl.JvmTarget.JVM_1_8)
    }
}

dependencies {
    implementation(project(":core"))
    implementation(libs.litert)
    implementation(libs.litert.gpu)
    implementation(libs.litert.gpu.api)
    implementation(libs.onnxruntime.android)
    "executorchImplementation"(libs.executorch.android)
    for (platform in listOf("android-arm64", "android-x86_64")) {
        for (library in listOf(libs.tflite, libs.javacpp)) {
            implementation(variantOf(library) { classifier(platform) })
        }
    }
}
