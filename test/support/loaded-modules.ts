import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { dray, type Ended, type RunOptions } from './program.ts'
import { tempFolder } from './temp.ts'

const root = join(import.meta.dirname, '..', '..')
const preload = join(import.meta.dirname, 'log-modules.cjs')

export interface LoadedModules {
  readonly ended: Ended
  /** the files that Node read as modules: `dist/dray.cjs` */
  readonly files: readonly string[]
  /** the modules of Node that were loaded, directly or by another one: `child_process` */
  readonly builtins: readonly string[]
  /** what Node loaded while a flag of V8 was changed: V8 then rejects its compiled code */
  readonly recompiled: readonly string[]
  /** the modules of the bundle that were evaluated: `src/cli/main.ts`, `node_modules/undici/…` */
  readonly modules: readonly string[]
}

interface ScriptCoverage {
  readonly url: string
  readonly functions: readonly {
    readonly functionName: string
    readonly ranges: readonly { readonly count: number }[]
  }[]
}

/**
 * Runs dray and returns what it loaded. In the bundle, each module is a function with the name of
 * its file, so the coverage of V8 has the modules.
 */
export async function loadedModules(
  args: readonly string[],
  options: RunOptions = {},
): Promise<LoadedModules> {
  const folder = await tempFolder()
  const env = {
    ...options.env,
    NODE_OPTIONS: `--require ${preload}`,
    DRAY_TEST_MODULES: join(folder, 'loaded.json'),
    NODE_V8_COVERAGE: join(folder, 'coverage'),
    // A function of the cache may have no count.
    NODE_DISABLE_COMPILE_CACHE: '1',
  }
  const ended = await dray(args, { ...options, env })
  const loaded = JSON.parse(readFileSync(env.DRAY_TEST_MODULES, 'utf8')) as LoadedModules
  return {
    ...loaded,
    ended,
    files: loaded.files.map((file) => relative(root, file)),
    modules: evaluatedIn(env.NODE_V8_COVERAGE),
  }
}

function evaluatedIn(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { result: ScriptCoverage[] }
    const bundle = result.find(({ url }) => url.endsWith('/dist/dray.cjs'))
    return (bundle?.functions ?? []).flatMap(({ functionName, ranges }) =>
      modulesOfBundle.has(functionName) && (ranges[0]?.count ?? 0) > 0 ? [functionName] : [],
    )
  })
}

const bundle = readFileSync(join(root, 'dist', 'dray.cjs'), 'utf8')

/** The modules of the bundle. */
export const modulesOfBundle: ReadonlySet<string> = new Set(
  [...bundle.matchAll(/^"([^"]+)": \(exports\) => \{$/gm)].map(([, name = '']) => name),
)
