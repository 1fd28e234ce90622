//! Server functions by their bare symbols.
//!
//! pgrx wraps each function of the server in a boundary that turns an error into a Rust panic and
//! drops its position, context and constraint names. So a function whose errors users must see in
//! full is called from here, inside [`super::catch::catch`]. A few functions are here because pgrx
//! has no binding for them.

use core::ffi::{c_char, c_int, c_long, c_void};
use pgrx::pg_sys::{
    BackendState, CommandTag, Datum, DestReceiver, ErrorData, FunctionCallInfo, HeapTuple, List,
    MemoryContext, Oid, ParamListInfo, Portal, QueryCompletion, QueryEnvironment, RawParseMode,
    RawStmt, Relation, ResourceOwner, SPIPlanPtr, Size, Snapshot, TimestampTz, TupleDesc,
    TupleTableSlot,
};

unsafe extern "C-unwind" {
    // elog.c
    pub fn CopyErrorData() -> *mut ErrorData;
    pub fn FlushErrorState();
    pub fn ReThrowError(edata: *mut ErrorData) -> !;
    pub fn errstart(elevel: c_int, domain: *const c_char) -> bool;
    pub fn errfinish(filename: *const c_char, lineno: c_int, funcname: *const c_char);
    pub fn errcode(sqlerrcode: c_int) -> c_int;
    pub fn errmsg_internal(fmt: *const c_char, ...) -> c_int;
    pub fn errdetail_internal(fmt: *const c_char, ...) -> c_int;
    pub fn errdetail_log(fmt: *const c_char, ...) -> c_int;
    pub fn errhint(fmt: *const c_char, ...) -> c_int;
    pub fn set_errcontext_domain(domain: *const c_char) -> c_int;
    pub fn errcontext_msg(fmt: *const c_char, ...) -> c_int;
    pub fn internalerrposition(cursorpos: c_int) -> c_int;
    pub fn internalerrquery(query: *const c_char) -> c_int;
    pub fn errhidestmt(hide_stmt: bool) -> c_int;
    pub fn errhidecontext(hide_ctx: bool) -> c_int;

    // detoast.c
    pub fn toast_raw_datum_size(value: Datum) -> Size;
    pub fn toast_datum_size(value: Datum) -> Size;

    pub fn pg_detoast_datum_packed(value: *mut pgrx::pg_sys::varlena)
    -> *mut pgrx::pg_sys::varlena;

    // timeout.c, which pgrx doesn't bind; the identifiers are those of TimeoutId.
    pub fn enable_timeout_after(id: c_int, delay_ms: c_int);
    pub fn disable_timeout(id: c_int, keep_indicator: bool);
    pub fn get_timeout_active(id: c_int) -> bool;
    pub fn get_timeout_finish_time(id: c_int) -> TimestampTz;

    // parsing, planning, running
    pub fn raw_parser(text: *const c_char, mode: RawParseMode::Type) -> *mut List;
    pub fn defGetString(element: *mut pgrx::pg_sys::DefElem) -> *mut c_char;
    pub fn defGetBoolean(element: *mut pgrx::pg_sys::DefElem) -> bool;
    pub fn analyze_requires_snapshot(statement: *mut RawStmt) -> bool;
    #[cfg(not(feature = "pg14"))]
    pub fn pg_analyze_and_rewrite_fixedparams(
        statement: *mut RawStmt,
        text: *const c_char,
        types: *const Oid,
        count: c_int,
        environment: *mut QueryEnvironment,
    ) -> *mut List;
    #[cfg(feature = "pg14")]
    pub fn pg_analyze_and_rewrite(
        statement: *mut RawStmt,
        text: *const c_char,
        types: *mut Oid,
        count: c_int,
        environment: *mut QueryEnvironment,
    ) -> *mut List;
    pub fn RangeVarGetRelidExtended(
        relation: *const pgrx::pg_sys::RangeVar,
        lock: c_int,
        flags: u32,
        callback: pgrx::pg_sys::RangeVarGetRelidCallback,
        argument: *mut core::ffi::c_void,
    ) -> Oid;
    pub fn pg_plan_queries(
        queries: *mut List,
        text: *const c_char,
        options: c_int,
        parameters: ParamListInfo,
    ) -> *mut List;
    pub fn CreateNewPortal() -> Portal;
    pub fn PortalDefineQuery(
        portal: Portal,
        name: *const c_char,
        text: *const c_char,
        tag: CommandTag::Type,
        statements: *mut List,
        plan: *mut pgrx::pg_sys::CachedPlan,
    );
    pub fn PortalStart(portal: Portal, params: ParamListInfo, flags: c_int, snapshot: Snapshot);
    #[cfg(not(feature = "pg18"))]
    pub fn PortalRun(
        portal: Portal,
        count: c_long,
        top_level: bool,
        run_once: bool,
        dest: *mut DestReceiver,
        alternative: *mut DestReceiver,
        completion: *mut QueryCompletion,
    ) -> bool;
    #[cfg(feature = "pg18")]
    pub fn PortalRun(
        portal: Portal,
        count: c_long,
        top_level: bool,
        dest: *mut DestReceiver,
        alternative: *mut DestReceiver,
        completion: *mut QueryCompletion,
    ) -> bool;
    pub fn PortalDrop(portal: Portal, top_commit: bool);

    // resowner.c, snapmgr.c
    pub fn ResourceOwnerDelete(owner: ResourceOwner);
    pub fn UnregisterSnapshot(snapshot: Snapshot);
    pub fn GetPortalByName(name: *const c_char) -> Portal;
    pub fn standard_ProcessUtility(
        statement: *mut pgrx::pg_sys::PlannedStmt,
        text: *const c_char,
        read_only: bool,
        context: pgrx::pg_sys::ProcessUtilityContext::Type,
        parameters: ParamListInfo,
        environment: *mut QueryEnvironment,
        destination: *mut DestReceiver,
        completion: *mut QueryCompletion,
    );
    pub fn GetTransactionSnapshot() -> Snapshot;
    pub fn GetLatestSnapshot() -> Snapshot;
    pub fn PushActiveSnapshot(snapshot: Snapshot);
    pub fn PopActiveSnapshot();
    pub fn CommandCounterIncrement();

    // rows of a final SELECT
    pub fn CreateTupleDescCopy(desc: TupleDesc) -> TupleDesc;
    pub fn BlessTupleDesc(desc: TupleDesc) -> TupleDesc;
    pub fn heap_copy_tuple_as_datum(tuple: HeapTuple, desc: TupleDesc) -> Datum;
    pub fn row_to_json(fcinfo: FunctionCallInfo) -> Datum;
    pub fn jsonb_in(fcinfo: FunctionCallInfo) -> Datum;
    pub fn jsonb_out(fcinfo: FunctionCallInfo) -> Datum;
    pub fn DirectFunctionCall1Coll(
        function: unsafe extern "C-unwind" fn(FunctionCallInfo) -> Datum,
        collation: Oid,
        argument: Datum,
    ) -> Datum;
    pub fn getTypeOutputInfo(kind: Oid, function: *mut Oid, is_varlena: *mut bool);
    pub fn OidOutputFunctionCall(function: Oid, value: Datum) -> *mut c_char;
    pub fn text_to_cstring(text: *const pgrx::pg_sys::varlena) -> *mut c_char;

    // SPI
    pub fn SPI_getbinval(
        row: HeapTuple,
        desc: TupleDesc,
        column: c_int,
        is_null: *mut bool,
    ) -> Datum;
    pub fn SPI_gettypeid(descriptor: TupleDesc, column: c_int) -> Oid;
    pub fn SPI_connect() -> c_int;
    pub fn SPI_finish() -> c_int;
    pub fn SPI_prepare(text: *const c_char, count: c_int, types: *mut Oid) -> SPIPlanPtr;
    pub fn SPI_keepplan(plan: SPIPlanPtr) -> c_int;
    pub fn SPI_execute_snapshot(
        plan: SPIPlanPtr,
        values: *mut Datum,
        nulls: *const c_char,
        snapshot: Snapshot,
        crosscheck: Snapshot,
        read_only: bool,
        fire_triggers: bool,
        limit: c_long,
    ) -> c_int;

    // rows
    pub fn FuncnameGetCandidates(
        names: *mut List,
        count: c_int,
        argument_names: *mut List,
        expand_variadic: bool,
        expand_defaults: bool,
        include_out: bool,
        missing_ok: bool,
    ) -> pgrx::pg_sys::FuncCandidateList;
    pub fn LockRelationOid(relation: Oid, mode: pgrx::pg_sys::LOCKMODE);
    pub fn find_all_inheritors(
        relation: Oid,
        mode: pgrx::pg_sys::LOCKMODE,
        parents: *mut *mut List,
    ) -> *mut List;
    pub fn aclcheck_error(
        result: pgrx::pg_sys::AclResult::Type,
        kind: pgrx::pg_sys::ObjectType::Type,
        name: *const c_char,
    );
    pub fn check_enable_rls(relation: Oid, user: Oid, no_error: bool) -> c_int;
    pub fn table_open(relation: Oid, mode: pgrx::pg_sys::LOCKMODE) -> Relation;
    pub fn table_close(relation: Relation, mode: pgrx::pg_sys::LOCKMODE);
    pub fn table_slot_create(relation: Relation, slots: *mut *mut List) -> *mut TupleTableSlot;
    pub static TTSOpsVirtual: pgrx::pg_sys::TupleTableSlotOps;
    pub fn MakeSingleTupleTableSlot(
        desc: TupleDesc,
        operations: *const pgrx::pg_sys::TupleTableSlotOps,
    ) -> *mut TupleTableSlot;
    pub fn ExecDropSingleTupleTableSlot(slot: *mut TupleTableSlot);
    pub fn ExecStoreVirtualTuple(slot: *mut TupleTableSlot) -> *mut TupleTableSlot;
    pub fn slot_getsomeattrs_int(slot: *mut TupleTableSlot, columns: c_int);
    pub fn GetBulkInsertState() -> pgrx::pg_sys::BulkInsertState;
    pub fn FreeBulkInsertState(state: pgrx::pg_sys::BulkInsertState);
    pub fn GetCurrentCommandId(used: bool) -> pgrx::pg_sys::CommandId;
    #[cfg(feature = "pg18")]
    pub fn build_generation_expression(
        relation: Relation,
        column: c_int,
    ) -> *mut pgrx::pg_sys::Node;
    #[cfg(feature = "pg18")]
    pub fn ExecPrepareExpr(
        expression: *mut pgrx::pg_sys::Expr,
        executor: *mut pgrx::pg_sys::EState,
    ) -> *mut pgrx::pg_sys::ExprState;
    #[cfg(feature = "pg18")]
    pub fn CreateExecutorState() -> *mut pgrx::pg_sys::EState;
    #[cfg(feature = "pg18")]
    pub fn FreeExecutorState(executor: *mut pgrx::pg_sys::EState);
    #[cfg(feature = "pg18")]
    pub fn CreateExprContext(executor: *mut pgrx::pg_sys::EState)
    -> *mut pgrx::pg_sys::ExprContext;
    #[cfg(feature = "pg18")]
    pub fn palloc0(size: Size) -> *mut core::ffi::c_void;

    // indexes
    pub fn copyObjectImpl(node: *const core::ffi::c_void) -> *mut core::ffi::c_void;
    pub fn FigureIndexColname(expression: *mut pgrx::pg_sys::Node) -> *mut c_char;
    pub fn ChooseRelationName(
        first: *const c_char,
        second: *const c_char,
        label: *const c_char,
        schema: Oid,
        is_constraint: bool,
    ) -> *mut c_char;
    pub fn transformIndexStmt(
        table: Oid,
        statement: *mut pgrx::pg_sys::IndexStmt,
        text: *const c_char,
    ) -> *mut pgrx::pg_sys::IndexStmt;
    #[cfg(feature = "pg14")]
    pub fn make_new_heap(
        table: Oid,
        tablespace: Oid,
        persistence: c_char,
        lock: pgrx::pg_sys::LOCKMODE,
    ) -> Oid;
    #[cfg(not(feature = "pg14"))]
    pub fn make_new_heap(
        table: Oid,
        tablespace: Oid,
        access_method: Oid,
        persistence: c_char,
        lock: pgrx::pg_sys::LOCKMODE,
    ) -> Oid;
    #[cfg(any(feature = "pg14", feature = "pg15"))]
    pub fn DefineIndex(
        table: Oid,
        statement: *mut pgrx::pg_sys::IndexStmt,
        index: Oid,
        parent: Oid,
        constraint: Oid,
        is_alter_table: bool,
        check_rights: bool,
        check_not_in_use: bool,
        skip_build: bool,
        quiet: bool,
    ) -> pgrx::pg_sys::ObjectAddress;
    #[cfg(not(any(feature = "pg14", feature = "pg15")))]
    pub fn DefineIndex(
        table: Oid,
        statement: *mut pgrx::pg_sys::IndexStmt,
        index: Oid,
        parent: Oid,
        constraint: Oid,
        parts: c_int,
        is_alter_table: bool,
        check_rights: bool,
        check_not_in_use: bool,
        skip_build: bool,
        quiet: bool,
    ) -> pgrx::pg_sys::ObjectAddress;

    // memory
    pub fn MemoryContextAlloc(context: MemoryContext, size: Size) -> *mut c_void;
    pub fn MemoryContextReset(context: MemoryContext);
    pub fn AllocSetContextCreateInternal(
        parent: MemoryContext,
        name: *const c_char,
        minimum: Size,
        initial: Size,
        maximum: Size,
    ) -> MemoryContext;
    pub fn MemoryContextDelete(context: MemoryContext);

    // transactions
    pub fn SPI_connect_ext(options: c_int) -> c_int;
    pub fn SPI_commit();
    pub fn AbortCurrentTransaction();
    pub fn StartTransactionCommand();
    pub fn ProcessInterrupts();
    pub fn WaitLatch(
        latch: *mut pgrx::pg_sys::Latch,
        events: c_int,
        milliseconds: c_long,
        wait_event: u32,
    ) -> c_int;
    pub fn ResetLatch(latch: *mut pgrx::pg_sys::Latch);
    pub fn LockAcquire(
        tag: *const pgrx::pg_sys::LOCKTAG,
        mode: pgrx::pg_sys::LOCKMODE,
        session: bool,
        dont_wait: bool,
    ) -> pgrx::pg_sys::LockAcquireResult::Type;
    pub fn LockRelease(
        tag: *const pgrx::pg_sys::LOCKTAG,
        mode: pgrx::pg_sys::LOCKMODE,
        session: bool,
    ) -> bool;

    // subtransactions
    pub fn BeginInternalSubTransaction(name: *const c_char);
    pub fn RollbackAndReleaseCurrentSubTransaction();

    // temporary tables
    pub fn get_relname_relid(name: *const c_char, schema: Oid) -> Oid;
    pub fn get_rel_namespace(relation: Oid) -> Oid;
    pub fn heap_truncate(relations: *mut List);
    pub fn performDeletion(
        object: *const pgrx::pg_sys::ObjectAddress,
        behavior: pgrx::pg_sys::DropBehavior::Type,
        flags: c_int,
    );

    pub fn AtEOXact_GUC(is_commit: bool, nest_level: c_int);
    pub fn GetConfigOption(
        name: *const c_char,
        missing_ok: bool,
        restrict_privileged: bool,
    ) -> *const c_char;
    pub fn GetConfigOptionResetString(name: *const c_char) -> *const c_char;
    pub fn GetConfigOptionByName(
        name: *const c_char,
        variable: *mut *const c_char,
        missing_ok: bool,
    ) -> *mut c_char;
    pub fn set_config_option(
        name: *const c_char,
        value: *const c_char,
        context: pgrx::pg_sys::GucContext::Type,
        source: pgrx::pg_sys::GucSource::Type,
        action: pgrx::pg_sys::GucAction::Type,
        change: bool,
        elevel: c_int,
        is_reload: bool,
    ) -> c_int;
    pub fn pgstat_report_activity(state: BackendState::Type, text: *const c_char);
}

/// The setting that forces parallel plans for tests.
#[cfg(any(feature = "pg14", feature = "pg15"))]
pub const FORCED_PARALLEL: &str = "force_parallel_mode";
#[cfg(not(any(feature = "pg14", feature = "pg15")))]
pub const FORCED_PARALLEL: &str = "debug_parallel_query";

/// Whether that setting is on.
pub fn is_parallel_forced() -> bool {
    // SAFETY: reads a variable of this process.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        return pgrx::pg_sys::force_parallel_mode != 0;
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        return pgrx::pg_sys::debug_parallel_query != 0;
    }
}
