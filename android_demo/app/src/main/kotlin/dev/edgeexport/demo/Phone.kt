package dev.edgeexport.demo

import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.os.BatteryManager
import android.os.Build
import android.os.Debug
import android.os.PowerManager

/** What the phone says of itself while something is measured on it. */
class Phone(private val context: Context) {
    private val power = context.getSystemService(PowerManager::class.java)

    /** 0 (none) to 6 (about to shut down), or null where the phone cannot tell. */
    fun thermalStatus(): Int? = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) power.currentThermalStatus else null

    /** The battery's charge in percent and whether it is being charged, as one phrase. */
    fun battery(): String {
        val now = context.registerReceiver(null, IntentFilter(Intent.ACTION_BATTERY_CHANGED))
        val level = now?.getIntExtra(BatteryManager.EXTRA_LEVEL, -1) ?: -1
        val scale = now?.getIntExtra(BatteryManager.EXTRA_SCALE, 0) ?: 0
        if (level < 0 || scale <= 0) return context.getString(R.string.battery_unknown)
        val plugged = now!!.getIntExtra(BatteryManager.EXTRA_PLUGGED, 0) != 0
        return context.getString(if (plugged) R.string.battery_charging else R.string.battery, level * 100 / scale)
    }

    fun powerSave(): Boolean = power.isPowerSaveMode

    /** Bytes that this process has taken on its native heap, where models live. */
    fun nativeHeapBytes(): Long = Debug.getNativeHeapAllocatedSize()

    fun describe(): String {
        val heat = thermalStatus()?.let { context.resources.getStringArray(R.array.thermal).getOrNull(it) }
        return listOfNotNull(
            battery(),
            heat?.let { context.getString(R.string.heat, it) },
            if (powerSave()) context.getString(R.string.power_save) else null,
        ).joinToString(DOT)
    }
}
