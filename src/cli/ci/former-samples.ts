import { readFileBounded } from '../../lib/files/read.ts'

const maxFileSize = 16 * 1024 ** 2

/**
 * Reads the samples of one metric from the file of an earlier run, by their labels without braces.
 * dray keeps the time of the last success with it. Empty without a file.
 * @throws `io`, `malformed`: a lost success would hide an alert.
 */
export async function readFormerSamples(path: string, metric: string): Promise<ReadonlyMap<string, number>> {
  const bytes = await readFileBounded(path, maxFileSize)
  const lines = new TextDecoder().decode(bytes ?? new Uint8Array()).split('\n')
  return new Map(
    lines.flatMap((line) => {
      if (!line.startsWith(`${metric}{`)) return []
      // A number of seconds. dray has not written anything else.
      const [, labels, value] = /^\{(.*)\} (\d+(?:\.\d+)?)\s*$/.exec(line.slice(metric.length)) ?? []
      return labels === undefined ? [] : [[labels, Number(value)] as const]
    }),
  )
}
