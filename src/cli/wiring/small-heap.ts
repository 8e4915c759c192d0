import { setFlagsFromString } from 'node:v8'

/**
 * Keeps the young generation of the heap small. Audit records and chunks of blobs that are read one after
 * the other leave nothing behind. V8 would take 20 MB more for them without being quicker (measured with a
 * million records and with three blobs of 192 MiB at once).
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
