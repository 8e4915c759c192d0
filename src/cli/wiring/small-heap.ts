import { setFlagsFromString } from 'node:v8'

/**
 * Keeps the young generation of the heap small. Audit records, what `prune` reads and the chunks of
 * large blobs are garbage soon. V8 would take 20 to 100 MB more without being faster (measured with
 * a million records, with 5,000 images and with three blobs of 192 MiB). A short run does without
 * it: while a flag is changed, V8 rejects the compiled code that Node has of its own modules, which
 * takes 10 ms.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

/**
 * Lets the heap grow by at most some percent of its content between collections. The reading of
 * 100,000 listed manifests takes 260 MB instead of 450 MB, and a second more. Manifests that are
 * read whole need more memory, and a smaller percentage: 280 MB instead of 390 MB. The plan of a
 * sync of 10,000 images takes 195 MB instead of 250 MB.
 */
export function growHeapSlowly(percent = 60): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`)
}
