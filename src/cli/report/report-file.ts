import { realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { DrayError } from '../../lib/errors.ts'
import { writeFileAtomic } from '../../lib/files/atomic.ts'
import { headPath } from '../../audit/log/head.ts'

/** Files that the report is about. */
export interface OwnFiles {
  /** of the audit log */
  readonly log: string
  /** of `dray.yaml`; undefined if there is none */
  readonly configuration: string | undefined
}

/**
 * Checks `--out` before registries are read for minutes: the folder exists, the path is no folder,
 * and it is not the audit log or the configuration.
 * @throws `io`, `not-found`, `usage`.
 */
export async function checkReportFile(file: string, cwd: string, own: OwnFiles): Promise<void> {
  const path = resolve(cwd, file)
  const folder = await stat(dirname(path)).catch(() => undefined)
  if (folder?.isDirectory() !== true) {
    throw new DrayError('not-found', `cannot write ${file}`, {
      subject: file,
      why: `the folder ${dirname(path)} does not exist`,
      hint: 'Create the folder first.',
    })
  }
  const existing = await stat(path).catch(() => undefined)
  if (existing === undefined) return
  if (existing.isDirectory()) {
    throw new DrayError('io', `${file} is a folder`, {
      subject: file,
      hint: 'Name a file, such as --out dray-report.html.',
    })
  }
  const real = await realpath(path)
  const names = [own.log, headPath(own.log), own.configuration].flatMap((one) => one ?? [])
  const protectedPaths = await Promise.all(names.map((name) => realpath(name).catch(() => name)))
  if (protectedPaths.includes(real)) {
    throw new DrayError('usage', `--out ${file} would overwrite a file of dray`, {
      why: 'it is the audit log, its head or the configuration',
      hint: 'Name another file, such as --out dray-report.html.',
    })
  }
}

/** Writes the page so that no reader finds a part of it. @throws `not-found`, `io`. */
export async function writeReportFile(file: string, cwd: string, page: string): Promise<void> {
  await writeFileAtomic(resolve(cwd, file), page)
}
