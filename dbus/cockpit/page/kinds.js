// The field that a setting is shown with.

import { Adapters } from "./adapters.js";
import { Field } from "./field.js";
import { unitsOf } from "./labels.js";
import { Quantity } from "./quantity.js";
import { Secret } from "./secret.js";

const kindOf = setting => setting.Secret ? Secret : setting.Name === "Adapters" ? Adapters : unitsOf(setting.Name).length ? Quantity : Field;

export const makeField = (setting, ...rest) => new (kindOf(setting))(setting, ...rest);
