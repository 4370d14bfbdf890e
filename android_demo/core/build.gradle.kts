plugins {
    alias(libs.plugins.kotlin.jvm)
}

kotlin {
    compilerOptions {
        jvmTarget.set(org.jetbrains.kotlin.gradle.dsl.JvmTarget.JVM_1_8)
    }
}

java {
    sourceCompatibility = JavaVersion.VERSION_1_8
    targetCompatibility = JavaVersion.VERSION_1_8
}

dependencies {
    api(libs.tflite)
    api(libs.javacpp)
    compileOnly(libs.onnxruntime) // on a phone onnxruntime-android has the same classes
    compileOnly(libs.json) // part of Android
    testImplementation(libs.onnxruntime)
    testImplementation(libs.json)
    testImplementation(libs.junit)
    for (library in listOf(libs.tflite, libs.javacpp)) {
        testRuntimeOnly(variantOf(library) { classifier("linux-x86_64") })
    }
}
