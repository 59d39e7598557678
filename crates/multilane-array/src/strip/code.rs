//! The instructions of the strip machine.
//!
//! `acc` is the accumulator; `x`, `y`, `z` are places. Codes that end in `Number` read a place
//! that holds one number over and over, and load it once.

use crate::place::PlaceId;

/// One instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Instruction {
    pub(crate) code: Code,
    pub(crate) x: u8,
    pub(crate) y: u8,
    pub(crate) z: u8,
}

impl Instruction {
    /// An instruction; places beyond those it has are 0.
    pub(super) fn new(code: Code, places: &[PlaceId]) -> Self {
        let place = |index: usize| places.get(index).map_or(0, |place| *place as u8);
        Self {
            code,
            x: place(0),
            y: place(1),
            z: place(2),
        }
    }

    /// The same, storing around the caches.
    pub(super) fn streamed(mut self) -> Self {
        if self.code == Code::StoreArray {
            self.code = Code::Stream;
        }
        self
    }

    /// The array that is written.
    pub(super) fn writes(self) -> Option<PlaceId> {
        matches!(self.code, Code::StoreArray | Code::Stream | Code::StoreMask).then_some(usize::from(self.x))
    }

    /// Whether a place may be read; unused places are 0 and count.
    pub(super) fn reads(self, place: PlaceId) -> bool {
        let writes = self.code == Code::Store || self.writes().is_some();
        !writes && [self.x, self.y, self.z].map(usize::from).contains(&place)
    }

    /// Whether the accumulator's contents matter to it.
    pub(super) fn reads_accumulator(self) -> bool {
        !matches!(
            self.code,
            Code::Load
                | Code::LoadMask
                | Code::Ahead
                | Code::AddBoth
                | Code::SubBoth
                | Code::MulBoth
                | Code::MulAddAll
                | Code::MulNumberAddAll
                | Code::MulSubAll
                | Code::SubMulAll
        )
    }

    /// Roughly, how many operations on a vector it is; loads and stores are none.
    pub(super) fn operations(self) -> usize {
        match self.code {
            Code::Load | Code::LoadMask | Code::Store | Code::StoreArray | Code::Stream | Code::StoreMask => 0,
            Code::Ahead => 0,
            Code::MulAddAll | Code::MulNumberAddAll | Code::MulSubAll | Code::SubMulAll => 2,
            Code::MulAdd | Code::MulAddNumbers | Code::MulNumberAdd | Code::MulSub | Code::SubMul => 2,
            Code::AddMul | Code::LessMul | Code::MulLess => 2,
            Code::Min | Code::MinOf | Code::Max | Code::MaxOf | Code::FoldMin | Code::FoldMax => 3,
            Code::Div | Code::DivOf | Code::Sqrt => 8,
            Code::Exp | Code::Log | Code::Sin | Code::Cos | Code::Tanh => 20,
            Code::Pow | Code::PowOf => 60,
            _ => 1,
        }
    }
}

/// What an instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// acc = x
    Load,
    /// acc = mask of the bytes x
    LoadMask,
    /// x = acc, a temporary strip
    Store,
    /// x = acc, an array
    StoreArray,
    /// x = acc, an array, around the caches
    Stream,
    /// bytes x = mask acc
    StoreMask,
    /// Asks for the elements of x that come later
    Ahead,

    /// acc + x
    Add,
    AddNumber,
    /// acc - x
    Sub,
    /// x - acc
    SubFrom,
    SubFromNumber,
    /// acc * x
    Mul,
    MulNumber,
    /// acc * acc
    Square,
    /// acc / x
    Div,
    /// x / acc
    DivOf,
    /// min(acc, x)
    Min,
    /// min(x, acc)
    MinOf,
    /// max(acc, x)
    Max,
    /// max(x, acc)
    MaxOf,

    /// x + y
    AddBoth,
    /// x - y
    SubBoth,
    /// x * y
    MulBoth,

    /// x * y + z
    MulAddAll,
    /// x * y + z, where y is a number
    MulNumberAddAll,
    /// x * y - z
    MulSubAll,
    /// z - x * y
    SubMulAll,
    /// acc * x + y
    MulAdd,
    /// acc * x + y, both numbers
    MulAddNumbers,
    /// acc * x + y, where x is a number
    MulNumberAdd,
    /// acc * x - y
    MulSub,
    /// y - acc * x
    SubMul,
    /// acc + x * y
    AddMul,
    /// acc - x * y
    LessMul,
    /// x * y - acc
    MulLess,

    /// fma(acc, x, y)
    Fma,
    /// fma(x, y, acc)
    FmaInto,

    Neg,
    Abs,
    Sqrt,
    Exp,
    Log,
    Sin,
    Cos,
    Tanh,
    /// acc to the power x
    Pow,
    /// x to the power acc
    PowOf,

    /// mask of acc == x
    Eq,
    Ne,
    /// mask of acc < x
    Lt,
    Le,
    /// mask of acc > x
    Gt,
    Ge,
    /// acc ? x : y
    Choose,
    /// x ? acc : y
    ChooseYes,
    /// x ? y : acc
    ChooseNo,
    And,
    Or,
    Xor,
    Not,
    /// 1 where the mask acc holds, else 0
    MaskToNumber,
    /// mask of acc != 0
    NumberToMask,

    /// Joins acc to the lanes of reduction x.
    FoldSum,
    FoldMin,
    FoldMax,
}
