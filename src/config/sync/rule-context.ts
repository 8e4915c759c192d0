import type { GateContext } from '../gates/gate-context.ts'
import type { RegistryNames } from '../registry-names.ts'
import type { Issue } from '../shape.ts'

/** The context of the readers of sync rules. They add mistakes to `issues`. */
export interface RuleContext extends GateContext {
  readonly names: RegistryNames
  readonly issues: Issue[]
}
