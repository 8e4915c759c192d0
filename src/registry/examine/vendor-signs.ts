import type { InventoryKind } from '../../images/inventory/inventory.ts'
import type { Challenge } from '../http/auth/challenge.ts'

/** The challenge by which a self-hosted registry shows its vendor. */
interface VendorSign {
  readonly kind: InventoryKind
  readonly service?: string
  /** the path of the realm */
  readonly path: RegExp
  /** the source of the claim */
  readonly source: string
}

/** The first row that matches decides. */
const vendorSigns: readonly VendorSign[] = [
  {
    kind: 'harbor',
    service: 'harbor-registry',
    path: /\/service\/token$/,
    source: 'github.com/goharbor/harbor/issues/12192: realm HOST/service/token, service harbor-registry',
  },
  {
    kind: 'gitea',
    service: 'container_registry',
    path: /\/v2\/token$/,
    source: 'github.com/go-gitea/gitea/issues/36907: realm HOST/v2/token, service container_registry',
  },
  {
    kind: 'gitlab',
    service: 'container_registry',
    path: /\/jwt\/auth$/,
    source: 'github.com/fraunhoferfokus/deckschrubber/issues/26: realm HOST/jwt/auth',
  },
  {
    kind: 'quay',
    path: /\/v2\/auth$/,
    source: 'github.com/quay/claircore/pull/879: realm https://quay.io/v2/auth',
  },
]

/** Returns the vendor that a Bearer challenge shows, if there is one. Pure. */
export function vendorOfChallenges(challenges: readonly Challenge[]): InventoryKind | undefined {
  for (const { scheme, parameters } of challenges) {
    const realm = URL.parse(parameters.get('realm') ?? '')
    if (scheme !== 'bearer' || realm === null) continue
    const service = parameters.get('service')
    const sign = vendorSigns.find(
      (one) => one.path.test(realm.pathname) && (one.service === undefined || one.service === service),
    )
    if (sign !== undefined) return sign.kind
  }
  return undefined
}
