/** The shapes on the wire, as the server's OpenAPI schema has them (`npm run types`). */
import type { components } from "../api";

type Schemas = components["schemas"];

export type BoardView = Schemas["BoardView"];
export type ParameterView = Schemas["BoardParameter"];
export type OverviewEntry = Schemas["OverviewEntry"];
export type ImportanceView = Schemas["ImportanceView"];
export type SliceView = Schemas["SliceView"];
export type PairView = Schemas["PairView"];
export type HealthCardView = Schemas["HealthCard"];
export type ProgressView = Schemas["ProgressView"];
export type ForecastView = Schemas["ForecastView"];
export type SessionView = Schemas["SessionView"];
export type RunView = Schemas["RunView"];
export type SweepView = Schemas["SweepView"];
