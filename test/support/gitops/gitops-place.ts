import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { entriesOf } from '../audit-log.ts'
import { image } from '../images.ts'
import { warmWorkplace, type Workplace } from '../workplace.ts'
import { type WatchedRegistry, watchedRegistry } from '../world.ts'

export const contentOf = (version: string) => image({ label: version, layers: 1 })
export const digestOf = (version: string) => contentOf(version).root.digest

/** A folder with a dray.yaml and deployment files of `prod`, and two registries of prod. */
export interface GitOpsPlace extends Workplace {
  readonly staging: WatchedRegistry
  readonly eu: WatchedRegistry
  readonly us: WatchedRegistry
  /** Writes a file below the folder. */
  write(file: string, text: string): Promise<void>
  read(file: string): Promise<string>
  /** when the file was last written, nanoseconds */
  mtime(file: string): Promise<bigint>
  entries(): ReturnType<typeof entriesOf>
}

/**
 * A workplace with `staging`, and `prod` with two targets.
 * @param more further keys of prod, by default all YAML files in `clusters`
 */
export async function gitopsPlace(
  more: object = { gitops: [{ files: 'clusters/**/*.yaml' }] },
  env: Readonly<Record<string, string>> = {},
): Promise<GitOpsPlace> {
  const [staging, eu, us] = await Promise.all([watchedRegistry(), watchedRegistry(), watchedRegistry()])
  onTestFinished(async () => {
    for (const one of [staging, eu, us]) await one[Symbol.asyncDispose]()
  })
  const config = {
    version: 1,
    environments: {
      staging: { registry: staging.host, path: 'staging/{image}' },
      prod: {
        targets: [
          { registry: eu.host, path: 'prod/{image}' },
          { registry: us.host, path: 'prod/{image}' },
        ],
        currentTag: 'stable',
        ...more,
      },
    },
    images: { api: {}, web: {} },
  }
  const place = await warmWorkplace(JSON.stringify(config), env)
  return {
    ...place,
    staging,
    eu,
    us,
    write: async (file, text) => {
      const path = join(place.folder, file)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, text)
    },
    read: async (file) => await readFile(join(place.folder, file), 'utf8'),
    mtime: async (file) => (await stat(join(place.folder, file), { bigint: true })).mtimeNs,
    entries: () => entriesOf(place.auditFile),
  }
}

/** A pod whose containers have these images. */
export function pod(...images: readonly string[]): string {
  const containers = images.map((name, i) => `  - { name: c${i}, image: ${name} } # keep\n`)
  return `kind: Pod\nspec:\n  containers:\n${containers.join('')}`
}
