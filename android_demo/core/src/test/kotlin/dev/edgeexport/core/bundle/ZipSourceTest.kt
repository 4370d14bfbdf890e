package dev.edgeexport.core.bundle

import dev.edgeexport.core.TestBundle
import java.io.File
import java.io.RandomAccessFile
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class ZipSourceTest {
    @get:Rule
    val temporary = TemporaryFolder()
    private val scratch get() = File(temporary.root, "scratch")

    @Test
    fun `a bundle at the top, or as the only folder`() {
        val folder = TestBundle(temporary.newFolder("bundle")).folder
        for (prefix in listOf("", "some name/")) {
            val files =
                folder.walk().filter { it.isFile }.associate { prefix + it.relativeTo(folder).path to it.readBytes() }
            ZipSource(zip(files), scratch).use { assertEquals(2, BundleReader.open(it).artifacts.size) }
            assertFalse("nothing stays behind", scratch.exists())
        }
    }

    @Test
    fun `names that lead out are refused before anything is written`() {
        for (name in listOf("../evil", "a/../../evil", "/evil", "c:/evil", "a\\..\\evil", "a//evil")) {
            refused(zip(mapOf("manifest.json" to ByteArray(1), name to ByteArray(1))), "leads out of the bundle; do not use it")
        }
        assertFalse(File(temporary.root.parentFile, "evil").exists())
    }

    @Test
    fun `an empty archive, and none at all`() {
        refused(zip(emptyMap()), "is an empty .zip; copy the whole bundle again")
        for (bytes in listOf(ByteArray(0), "no archive".repeat(9).toByteArray())) {
            refused(temporary.newFile().apply { writeBytes(bytes) }, "cannot be read")
        }
    }

    @Test
    fun `an entry of 4 GB is refused by what it says`() {
        val file = zip(mapOf("manifest.json" to ByteArray(100)))
        val directory = String(file.readBytes(), Charsets.ISO_8859_1).indexOf("PK\u0001\u0002")
        RandomAccessFile(file, "rw").use {
            it.seek(directory + 24L)
            it.write(byteArrayOf(-2, -1, -1, -1))
        }
        refused(file, "unpacks to 4294 MB and this app takes at most 1073 MB")
    }

    @Test
    fun `an entry that unpacks to more than it says`() {
        val file = zip(mapOf("manifest.json" to ByteArray(100_000)))
        val bytes = file.readBytes()
        val directory = String(bytes, Charsets.ISO_8859_1).indexOf("PK\u0001\u0002")
        RandomAccessFile(file, "rw").use {
            it.seek(directory + 24L)
            it.write(byteArrayOf(9, 0, 0, 0))
        }
        refused(file, "(unpacks to more than|cannot be read)")
    }

    @Test
    fun `a name twice`() {
        val file = zip(mapOf("manifest.json" to ByteArray(1), "manifest.jsoN" to ByteArray(1)))
        val bytes =
            String(file.readBytes(), Charsets.ISO_8859_1).replace("jsoN", "json").toByteArray(Charsets.ISO_8859_1)
        file.writeBytes(bytes)
        refused(file, "holds `manifest.json` twice")
    }

    @Test
    fun `all entries together`() {
        val file = zip(mapOf("a" to ByteArray(600), "b" to ByteArray(600)))
        val error =
            assertThrows(BundleException::class.java) { ZipSource(file, scratch, limits = ZipLimits(1000, 1000)) }
        assertTrue(error.message!!, "unpacks to" in error.message!!)
    }

    private fun refused(file: File, sentence: String) {
        val error = assertThrows(BundleException::class.java) { ZipSource(file, scratch) }
        assertTrue("${error.message} is not: $sentence", Regex(sentence).containsMatchIn(error.message!!))
        assertFalse("nothing stays behind", scratch.exists())
    }

    private fun zip(files: Map<String, ByteArray>): File {
        val file = temporary.newFile()
        ZipOutputStream(file.outputStream()).use { out ->
            for ((name, content) in files) {
                out.putNextEntry(ZipEntry(name))
                out.write(content)
            }
        }
        return file
    }
}
