import { spawnSync } from 'node:child_process'
import { DrayError } from '../src/lib/errors.ts'

interface NodeProgram {
  /** 24.15.0 */
  readonly version: string
  readonly path: string
}

/**
 * Returns the path of a Node that can run dray: the one of the action, or the one on the PATH.
 * @param engines `engines.node` of package.json
 * @param trusted the folder in which the search begins: Windows searches it before the PATH
 * @throws `unsupported` if both are too old.
 */
export function findNode(own: NodeProgram, engines: string, trusted: string): string {
  if (isInRange(own.version, engines)) return own.path
  const other = nodeOnPath(trusted)
  if (other !== undefined && isInRange(other.version, engines)) return other.path
  const onPath = other === undefined ? 'the PATH has no Node' : `the PATH has Node ${other.version}`
  throw new DrayError('unsupported', `dray cannot run on Node ${own.version}`, {
    why: `dray needs Node ${engines}, this runner has Node ${own.version} for actions, and ${onPath}`,
    hint: 'Add this step before dray:\n- uses: actions/setup-node@v6\n  with: { node-version: 24 }',
  })
}

/**
 * Whether a version is in a range of the form `^24.15 || >=26`.
 * @throws `internal` for other forms.
 */
export function isInRange(version: string, range: string): boolean {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  return range.split('||').some((part) => {
    const [, sign, wantedMajor, wantedMinor = '0'] = /^\s*(\^|>=)(\d+)(?:\.(\d+))?\s*$/.exec(part) ?? []
    if (wantedMajor === undefined)
      throw new DrayError('internal', `${JSON.stringify(range)} is not a range of Node versions`)
    if (major !== Number(wantedMajor)) return sign === '>=' && major > Number(wantedMajor)
    return minor >= Number(wantedMinor)
  })
}

function nodeOnPath(cwd: string): NodeProgram | undefined {
  const script = 'JSON.stringify({ version: process.versions.node, path: process.execPath })'
  const { status, stdout } = spawnSync('node', ['-p', script], { cwd, encoding: 'utf8', timeout: 30_000 })
  return status === 0 ? (JSON.parse(stdout) as NodeProgram) : undefined
}
